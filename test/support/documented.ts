import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'

interface Operation {
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>
}

const file = new URL('../../openapi/openapi.json', import.meta.url)
const document = JSON.parse(readFileSync(file, 'utf8')) as {
  paths: Record<string, Record<string, Operation>>
  components: object
}
const ajv = new Ajv({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'openapi', ...document })
const compiled = new Map<string, ValidateFunction>()

/** Paths with the fewest parameters first: `/v1/nics/batch` is not a NIC. */
const paths = Object.keys(document.paths)
  .sort((a, b) => a.split('{').length - b.split('{').length)
  .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))

/** Fails when an answer is not one that `openapi/openapi.json` describes, to the letter: no field less, none more. */
export function expectDocumented(method: string, url: string, answer: { status: number; body: unknown }): void {
  const at = url.split('?')[0] ?? url
  const found = paths.find(({ path, pattern }) => pattern.test(at) && document.paths[path]?.[method.toLowerCase()])
  if (!found) {
    if (answer.status === 404 || answer.status === 400) return // not a route
    throw new Error(`${method} ${at} answered ${answer.status} but is not in the OpenAPI document`)
  }
  const responses = document.paths[found.path]?.[method.toLowerCase()]?.responses ?? {}
  const status = responses[answer.status] ? String(answer.status) : `${Math.floor(answer.status / 100)}XX`
  const response = responses[status]
  if (!response) throw new Error(`${method} ${at} answered ${answer.status}, which is not documented`)
  const schema = response.content?.['application/json']?.schema
  if (!schema || answer.status === 204) return
  const key = `${method} ${found.path} ${status}`
  const validate = compiled.get(key) ?? ajv.compile(absolute(schema) as object)
  compiled.set(key, validate)
  if (!validate(answer.body))
    throw new Error(`${key}: the answer is not as documented: ${ajv.errorsText(validate.errors)}`)
}

/** References inside the document, as references to the document. */
const absolute = (schema: object): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"openapi#/'))
