#!/usr/bin/env node
/** The commands. Each loads its own modules, so that a worker does not carry the web server in its memory. */
import { parseArgs } from 'node:util'
import { ConfigError, type Environment, loadConfig } from './config.ts'
import { OperatorError } from './operator-error.ts'

interface Command {
  readonly summary: string
  /** Names of its switches, all without a value. */
  readonly switches?: readonly string[]
  run(switches: ReadonlySet<string>): Promise<void>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  up: {
    summary:
      'everything on this machine: database, API, one hypervisor worker (--keep-guests: leave guests running at the end)',
    switches: ['keep-guests'],
    async run(switches) {
      const config = loadConfig('up')
      const { runSupervisor } = await import('./supervisor.ts')
      await runSupervisor(config, { keepGuests: switches.has('keep-guests') })
      // Nothing is left to do, and a stray handle must not keep the operator waiting.
      process.exit(0)
    },
  },
  api: {
    summary: 'the API alone (needs DATABASE_URL)',
    async run() {
      const told = underSupervisor('SIGTERM')
      const { runApi } = await import('./api-main.ts')
      await runApi(loadConfig('api', await told))
      process.send?.('ready')
    },
  },
  worker: {
    summary: 'a hypervisor worker alone (needs PATCHBAY_API_URL and a token)',
    async run() {
      // Not SIGTERM, at which the worker would stop its guests: nobody asked for that.
      const told = underSupervisor('SIGHUP')
      const { runWorker } = await import('./workers/main.ts')
      await runWorker(loadConfig('worker', await told))
      process.send?.('ready')
    },
  },
  init: {
    summary: 'create or update the schema of DATABASE_URL, the first project, the key files',
    async run() {
      const config = loadConfig('init')
      const { initialise } = await import('./init.ts')
      await initialise(config, config.databaseUrl ?? '')
    },
  },
  openapi: {
    summary: 'write openapi/openapi.json (--check: fail if it differs from the routes)',
    switches: ['check'],
    async run(switches) {
      const { runOpenapi } = await import('./openapi-main.ts')
      await runOpenapi(switches.has('check') ? ['--check'] : [])
    },
  },
  demo: {
    summary:
      'attach a NIC to a running server, against a running service (--namespace: no QEMU; --clean: only clean up)',
    switches: ['namespace', 'clean'],
    async run(switches) {
      const config = loadConfig('demo')
      const { runDemo } = await import('./demo.ts')
      await runDemo(config, { clean: switches.has('clean'), guest: switches.has('namespace') ? 'namespace' : 'qemu' })
    },
  },
}

/** How long a stop may take once the supervisor is gone, in ms. */
const ORPHAN_TIMEOUT_MS = 20_000

/**
 * What a child of the supervisor does besides its work; run by hand or by systemd there is no channel, and nothing to do.
 *
 * When the supervisor dies the channel closes; we then send ourselves `signal`, so that there is one way to stop, and it
 * is the one that is tested.
 * @returns the variables that the supervisor sends when it is time to begin.
 */
async function underSupervisor(signal: NodeJS.Signals): Promise<Environment> {
  if (!process.connected) return {}
  process.once('disconnect', () => {
    process.kill(process.pid, signal)
    setTimeout(() => process.exit(1), ORPHAN_TIMEOUT_MS).unref()
  })
  const variables = await new Promise<Environment>((resolve) => {
    process.once('message', (message) => resolve(message as Environment))
  })
  // The listener of 'disconnect' would keep this process alive after its work is done.
  process.channel?.unref()
  return variables
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`)
  return `usage: patchbay <command>\n\n${lines.join('\n')}\n\nThe environment variables are in README.md.`
}

/** Prints why the command line is wrong, and the help. 2 is what shells expect for that. */
function misuse(why: string): never {
  console.error(`patchbay: ${why}\n\n${help()}`)
  process.exit(2)
}

function readSwitches(command: Command, args: readonly string[]): ReadonlySet<string> {
  const options = Object.fromEntries((command.switches ?? []).map((name) => [name, { type: 'boolean' as const }]))
  try {
    return new Set(Object.keys(parseArgs({ args: [...args], options, allowPositionals: false }).values))
  } catch (error) {
    return misuse((error as Error).message)
  }
}

/** Refusals made for the operator are one message; anything else is our bug, and comes with its stack. */
function report(error: unknown): void {
  const isRefusal = error instanceof ConfigError || error instanceof OperatorError
  console.error(isRefusal ? `patchbay: ${error.message}` : error)
  process.exit(1)
}

const [name, ...args] = process.argv.slice(2)
if (name === undefined || ['help', '--help', '-h'].includes(name)) console.log(help())
else {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) misuse(`there is no command ${JSON.stringify(name)}`)
  command.run(readSwitches(command, args)).catch(report)
}
