// Starts the server of a data folder from the built program, tells its pid to the parent, and waits to be killed.
import { startEmbeddedPostgres } from '../../dist/src/embedded-postgres.js'

const log = { info: () => undefined, warn: () => undefined }
const { pid } = await startEmbeddedPostgres({ dataDir: process.argv[2], log })
process.send({ pid })
