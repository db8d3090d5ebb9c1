/** What is changed of a server by a form. */
import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { type Server, setServerDhcpOptions, updateServer } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { NumberField, TextField } from '../../ui/fields.tsx'
import { TagsField, tagsFrom, textOfTags } from '../../ui/TagsField.tsx'

interface FormProps {
  /** As the user saw it when the form was opened. */
  readonly server: Server
  readonly onClose: () => void
}

export const VCPUS = { min: 1, max: 64 }
export const MEMORY_MB = { min: 128, max: 1_048_576 }

export function EditServer({ server: given, onClose }: FormProps) {
  const t = useText()
  const [server] = useState(given)
  const [name, setName] = useState(server.name)
  const [description, setDescription] = useState(server.description)
  const [tags, setTags] = useState(textOfTags(server.tags))
  const act = useAct((changes: Parameters<typeof updateServer>[1], options) =>
    updateServer(server.id, changes, ifUnchanged(server, options)),
  )
  return (
    <FormDialog
      title={t(servers.edit)}
      submit={t(common.save)}
      act={act}
      values={() => ({ name: name.trim(), description, tags: tagsFrom(tags) })}
      fields={['name', 'description', 'tags']}
      onClose={onClose}
    >
      <TextField
        label={t(common.name)}
        name="name"
        value={name}
        onChange={setName}
        maxLength={128}
        isRequired
        autoFocus
      />
      <TextField
        label={t(common.description)}
        name="description"
        value={description}
        onChange={setDescription}
        maxLength={1024}
        isLong
      />
      <TagsField value={tags} onChange={setTags} />
    </FormDialog>
  )
}

export function ResizeServer({ server: given, onClose }: FormProps) {
  const t = useText()
  const [server] = useState(given)
  const [vcpus, setVcpus] = useState(String(server.vcpus))
  const [memory, setMemory] = useState(String(server.memory_mb))
  const act = useAct((changes: Parameters<typeof updateServer>[1], options) =>
    updateServer(server.id, changes, ifUnchanged(server, options)),
  )
  return (
    <FormDialog
      title={t(servers.resize)}
      submit={t(common.save)}
      act={act}
      values={() => ({ vcpus: Number(vcpus), memory_mb: Number(memory) })}
      fields={['vcpus', 'memory_mb']}
      onClose={onClose}
    >
      <NumberField label={t(servers.vcpus)} name="vcpus" value={vcpus} onChange={setVcpus} {...VCPUS} isRequired />
      <NumberField
        label={t(servers.memory)}
        name="memory_mb"
        value={memory}
        onChange={setMemory}
        {...MEMORY_MB}
        isRequired
      />
    </FormDialog>
  )
}

const OPTION_NUMBER = /^([1-9]\d?|1\d\d|2[0-4]\d|25[0-4])$/

export function DhcpOptions({ server: given, onClose }: FormProps) {
  const t = useText()
  const [server] = useState(given)
  const [text, setText] = useState(textOfTags(server.dhcp_options))
  const act = useJob((options: Record<string, string>, asked) =>
    setServerDhcpOptions(server.id, { options }, ifUnchanged(server, asked)),
  )
  const wrongOption = (lines: string): string | undefined => {
    const name = Object.keys(tagsFrom(lines)).find((each) => !OPTION_NUMBER.test(each))
    return name === undefined ? undefined : t(servers.optionWrong, { name })
  }
  return (
    <FormDialog
      title={t(servers.dhcpOptions)}
      submit={t(common.save)}
      act={act}
      values={() => tagsFrom(text)}
      fields={['options']}
      onClose={onClose}
    >
      <TextField
        label={t(servers.dhcpOptions)}
        name="options"
        hint={t(servers.dhcpHint)}
        value={text}
        onChange={setText}
        isLong
        isMono
        check={wrongOption}
      />
    </FormDialog>
  )
}
