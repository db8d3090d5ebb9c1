import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * The folder of `package.json`: one level above the sources, two above the build. Data files that ship with the program
 * (`migrations/`, `openapi/`, `guest-image/`) are found from here.
 */
export const packageRoot = find(import.meta.dirname)

function find(from: string): string {
  if (existsSync(path.join(from, 'package.json'))) return from
  const parent = path.dirname(from)
  if (parent === from) throw new Error(`no package.json above ${import.meta.dirname}`)
  return find(parent)
}
