/** The operations of `openapi/openapi.json`, for tests that go over all of them. */
import { readFileSync } from 'node:fs'

export interface FieldSchema {
  readonly type?: string | string[]
  readonly enum?: unknown[]
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: string[]
}

interface Documented {
  readonly operationId: string
  readonly security?: unknown[]
  readonly parameters?: { in: string; name: string; schema: FieldSchema }[]
  readonly requestBody?: { content: { 'application/json': { schema: FieldSchema } } }
}

export interface Operation {
  readonly id: string
  readonly method: string
  /** As in the document, with `{id}`. */
  readonly path: string
  readonly body: FieldSchema | undefined
  readonly query: readonly string[]
  readonly isOpen: boolean
}

const file = new URL('../../openapi/openapi.json', import.meta.url)
const { paths } = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, Record<string, Documented>> }

export const OPERATIONS: readonly Operation[] = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, said]) => ({
    id: said.operationId,
    method: method.toUpperCase(),
    path,
    body: said.requestBody?.content['application/json'].schema,
    query: (said.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name),
    isOpen: said.security?.length === 0,
  })),
)

/** Ids that are well-formed and of nothing. */
const NOBODY: readonly [part: RegExp, id: string][] = [
  [/\/vpcs\/\{id\}/, 'vpc-0000000000'],
  [/\/port-forwardings\/\{pf_id\}/, 'pf-0000000000'],
  [/\/elastic-ip-pools\/\{id\}/, 'pool-0000000000'],
  [/\/elastic-ips\/\{id\}/, 'eip-0000000000'],
  [/\/reserved-addresses\/\{id\}/, 'ra-0000000000'],
  [/\/networks\/\{id\}/, 'net-0000000000'],
  [/\/security-groups\/\{id\}/, 'sg-0000000000'],
  [/\/rules\/\{rule_id\}/, 'sgr-0000000000'],
  [/\/nics\/\{id\}/, '52:54:00:00:00:00'],
  [/\/servers\/\{id\}/, 'i-0000000000'],
  [/\/jobs\/\{(id|jobId)\}/, 'j-0000000000'],
  [/\/hypervisors\/\{(id|hypervisorId)\}/, 'hv-none'],
  [/\/projects\/\{id\}/, 'prj-0000000000'],
  [/\/access-keys\/\{id\}/, 'AAAAAAAAAAAAAAAAAAAA'],
]

/** The URL of an operation, with ids given by the collection they belong to (`nics`, `hypervisors`, …). */
export function urlOf(path: string, ids: Readonly<Record<string, string>> = {}): string {
  return NOBODY.reduce(
    (url, [part, nobody]) =>
      url.replace(part, (text) => {
        const collection = text.split('/')[1] ?? ''
        return `/${collection}/${ids[collection] ?? nobody}`
      }),
    path,
  )
}
