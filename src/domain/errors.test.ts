import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../package-root.ts'
import { PROBLEMS } from './errors.ts'

it('docs/http-status.md names every refusal with its status and title, and no other', () => {
  const text = readFileSync(path.join(packageRoot, 'docs/http-status.md'), 'utf8')
  const documented = [...text.matchAll(/^\| (\d{3}) \| `(\w+)` \| (.*?) \|/gm)].map(([, status, code, title]) => [
    code,
    { status: Number(status), title },
  ])
  expect(Object.fromEntries(documented)).toEqual(PROBLEMS)
})
