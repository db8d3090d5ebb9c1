import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** What is not compressed by itself already. */
const COMPRESSIBLE = /\.(css|html|js|json|map|svg|txt)$/
/** One packet has room for as much, headers included: a smaller answer is not quicker. */
const LEAST_BYTES = 1_000

/** Writes a `.br` and a `.gz` beside each file that gains by it, as small as they get: the service then only sends them. */
export async function compressFiles(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => COMPRESSIBLE.test(file))
  await Promise.all(files.map((file) => compress(join(folder, file))))
}

const asBrotli = (content) =>
  promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } })
const asGzip = (content) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION })

async function compress(file) {
  const content = await readFile(file)
  if (content.length < LEAST_BYTES) return
  await Promise.all([
    asBrotli(content).then((compressed) => writeFile(`${file}.br`, compressed)),
    asGzip(content).then((compressed) => writeFile(`${file}.gz`, compressed)),
  ])
}
