/** What is changed of a server by a form. */
import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { type Server, setServerDhcpOptions, updateServer } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'
import { TextField } from '../../ui/fields.tsx'
import { tagsFrom, textOfTags } from '../../ui/TagsField.tsx'
import { SizeFields } from './SizeFields.tsx'

interface FormProps {
  /** As the user saw it when the form was opened. */
  readonly server: Server
  readonly onClose: () => void
}

export function EditServer({ server, onClose }: FormProps) {
  const t = useText()
  return (
    <EditDialog
      title={t(servers.edit)}
      of={server}
      save={(changes, options) => updateServer(server.id, changes, options)}
      onClose={onClose}
    />
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
      <SizeFields vcpus={vcpus} setVcpus={setVcpus} memory={memory} setMemory={setMemory} />
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
