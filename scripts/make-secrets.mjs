// For docker-compose.yml: makes the database password in the given folder, on first use.
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
if (!folder) {
  console.error('usage: node scripts/make-secrets.mjs <folder>')
  process.exit(2)
}
const file = join(folder, 'postgres-password')
// PostgreSQL's image reads it as root or as its own user; the folder is a volume that only its readers mount.
if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o444 })
