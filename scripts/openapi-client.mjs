// The console's client, generated from openapi/openapi.json; --check fails when the file is not what that says.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateAst, parseSpec, printAst } from 'oazapfts'
import { createContext } from 'oazapfts/context'
import { fail, root } from './lib/run.mjs'

const document = join(root, 'openapi', 'openapi.json')
const client = join(root, 'console', 'src', 'api', '__generated__', 'client.ts')

const OPTIONS = {
  // A refusal is thrown, and what is returned needs no look at its status.
  optimistic: true,
  useUnknown: true,
  // Of hypervisor workers and of monitoring; no browser asks for them.
  exclude: ['worker', 'operations'],
}

/** oazapfts writes `status: 4XX` for a range of statuses, which is no TypeScript. All ours are the same `Problem`. */
function withoutStatusRanges(spec) {
  for (const path of Object.values(spec.paths))
    for (const { responses } of Object.values(path))
      for (const range of ['4XX', '5XX']) {
        if (!responses[range]) continue
        responses.default = responses[range]
        delete responses[range]
      }
  return spec
}

const spec = await parseSpec(withoutStatusRanges(JSON.parse(readFileSync(document, 'utf8'))))
const text = printAst(await generateAst(createContext(spec, OPTIONS)))
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(client), { recursive: true })
  writeFileSync(client, text)
} else if (text !== readClient()) fail(`${client} is not what openapi/openapi.json says: run "npm run openapi"`)

function readClient() {
  try {
    return readFileSync(client, 'utf8')
  } catch {
    return undefined
  }
}
