/** Attachments with data for instances. */
import { keepUserData } from '../../domain/user-data/user-data.ts'
import { type Actions, inTransaction, writes } from './call.ts'

export const USER_DATA: Actions = {
  UploadUserDataAttachment: writes(async (call) => {
    const content = contentOf(call.params.required('attachment_content'))
    const name = call.params.label('attachment_name') ?? ''
    const attachment_id = await inTransaction(call, (tx, actor) => keepUserData(tx, actor, { name, content }))
    return { attachment_id }
  }),
}

/** Base64 where it can be, as archives come; a script comes as it is. */
function contentOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const isBase64 = bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === text.replace(/\s|=+$/g, '')
  return isBase64 ? bytes : Buffer.from(text)
}
