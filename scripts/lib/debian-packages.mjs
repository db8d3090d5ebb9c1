import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture, fail, findCommand, root, say, toolsFolder, warn } from './run.mjs'

/**
 * A program we need, and the Debian package that brings it.
 * `needed`: false when the service is of use without it. `exactly`: another package brings a command of that name that
 * does not do. Installing them starts nothing and listens nowhere: those that bring a service (nftables, iperf3)
 * leave it off.
 */
export const RUN_PROGRAMS = [
  { command: 'ip', package: 'iproute2', why: 'bridges, taps and namespaces', needed: true },
  { command: 'sysctl', package: 'procps', why: 'kernel parameters of the data plane', needed: true },
  { command: 'dnsmasq', package: 'dnsmasq-base', why: 'DHCP on managed networks', needed: true },
  { command: 'dhcp_release', package: 'dnsmasq-utils', why: 'ending the DHCP lease of a detached NIC', needed: true },
  { command: 'nft', package: 'nftables', why: 'filters and address translation', needed: true },
  {
    command: 'conntrack',
    package: 'conntrack',
    why: 'ending the connections of an elastic IP that moved',
    needed: true,
  },
  { command: 'qemu-system-x86_64', package: 'qemu-system-x86', why: 'servers that are virtual machines' },
  {
    command: 'busybox',
    package: 'busybox-static',
    why: 'ARP probes, and the programs in the guest image',
    exactly: true,
    needed: true,
  },
  { command: 'cpio', package: 'cpio', why: 'packing the guest image' },
]

/**
 * redis-tools holds the very binary that the package redis-server only adds a name and a service to: it acts as the
 * server when called by that name (see `ensureRedisServer`), and nothing is started on port 6379.
 */
const REDIS = {
  command: 'redis-check-rdb',
  package: 'redis-tools',
  why: 'a Redis for the tests of the second queue engine',
}

const MEASURING = [
  { command: 'iperf3', package: 'iperf3', why: 'measuring bandwidth in the tests' },
  { command: 'tcpdump', package: 'tcpdump', why: 'seeing in the tests which packets pass' },
]

const PYTHON = {
  command: 'python3',
  package: 'python3',
  why: 'a client in another language, for the tests of the wire',
}

const BROWSER = [
  {
    command: 'chromium-headless-shell',
    package: 'chromium-headless-shell',
    why: 'the tests of the console, and its screenshots',
  },
  // Debian's Chromium brings no font with Chinese characters.
  { command: 'fonts-noto-cjk', package: 'fonts-noto-cjk', why: 'Chinese in the screenshots', exactly: true },
]

export const TEST_PROGRAMS = [...RUN_PROGRAMS, REDIS, ...MEASURING, PYTHON, ...BROWSER].map((program) => ({
  ...program,
  needed: true,
}))
export const BENCH_PROGRAMS = [
  ...TEST_PROGRAMS,
  { command: 'libpq.so.5', package: 'libpq5', why: 'the library of pgbench', exactly: true, needed: true },
]

/** Installs what is missing, naming each package and why; says in one line what to do when it may not. */
export function ensurePrograms(programs) {
  const status = readDpkgStatus()
  const missing = programs.filter((program) => !isThere(program, status))
  if (missing.length === 0) return
  const packages = missing.map((program) => program.package)
  const isRoot = process.getuid() === 0
  if (!isRoot || !findCommand('apt-get')) {
    const instruction = isRoot
      ? `no apt-get here: install what gives you ${missing.map((program) => program.command).join(', ')} (in Debian: ${packages.join(' ')})`
      : `not root, so please run: sudo apt-get install --no-install-recommends ${packages.join(' ')}`
    // Whoever is not root gets no worker, and can still run the API.
    if (isRoot && missing.some((program) => program.needed)) fail(instruction)
    return warn(instruction)
  }
  for (const program of missing) say(`installing Debian package ${program.package}: ${program.why}`)
  const failure = aptInstall(packages)
  if (!failure) return
  // One that cannot be had must not take the others with it.
  for (const program of missing) {
    const alone = missing.length > 1 ? aptInstall([program.package]) : failure
    if (!alone) continue
    if (program.needed) fail(`cannot install ${program.package}:\n${alone}`)
    warn(`cannot install ${program.package} (${program.why}): ${alone.trim().split('\n').pop()}`)
  }
}

function isThere(program, status) {
  if (program.exactly && status) return status.has(program.package)
  return findCommand(program.command) !== undefined
}

/** Names of the installed packages, from dpkg's own file: a tenth of the time of dpkg-query. Undefined without dpkg. */
function readDpkgStatus() {
  const file = '/var/lib/dpkg/status'
  if (!existsSync(file)) return undefined
  const installed = new Set()
  for (const [, name, state] of readFileSync(file, 'latin1').matchAll(/^Package: (.+)\nStatus: (.+)$/gm))
    if (state.endsWith(' ok installed')) installed.add(name)
  return installed
}

const APT = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3']
const APT_ENVIRONMENT = { DEBIAN_FRONTEND: 'noninteractive' }

/** Returns what apt-get said if it failed. The package lists are only fetched when it fails without. */
function aptInstall(packages) {
  const install = () =>
    capture('apt-get', [...APT, 'install', '--no-install-recommends', ...packages], { env: APT_ENVIRONMENT })
  return withFreshLists(install)
}

let listsAreFresh = false
function withFreshLists(act) {
  let { code, output } = act()
  if (code !== 0 && !listsAreFresh) {
    say('fetching the package lists (apt-get update)')
    const update = capture('apt-get', [...APT, 'update'], { env: APT_ENVIRONMENT })
    listsAreFresh = true
    ;({ code, output } = act())
    if (code !== 0) output = `${update.code === 0 ? '' : update.output}${output}`
  }
  return code === 0 ? undefined : output
}

/** Gives the tests a `redis-server` without the service of that package. */
export function ensureRedisServer() {
  if (findCommand('redis-server')) return
  const binary = findCommand('redis-check-rdb')
  if (!binary) return // not root; said above
  mkdirSync(toolsFolder, { recursive: true })
  rmSync(join(toolsFolder, 'redis-server'), { force: true })
  symlinkSync(binary, join(toolsFolder, 'redis-server'))
}

/**
 * Gives the bench a `pgbench`. It comes in the package of the whole server, whose installation would make a cluster and
 * start it; so the package is fetched and the one file taken out.
 */
export function ensurePgbench() {
  if (findCommand('pgbench')) return
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-pgbench-'))
  try {
    if (!findCommand('apt-get')) fail("pgbench is needed: install PostgreSQL's client programs")
    say('fetching Debian package postgresql-15, to take pgbench out of it: the ceiling that the bench compares with')
    // apt's unprivileged fetcher has to get in.
    chmodSync(folder, 0o755)
    const failure = withFreshLists(() => capture('apt-get', ['-q', 'download', 'postgresql-15'], { cwd: folder }))
    if (failure) fail(`cannot fetch postgresql-15:\n${failure}`)
    const [archive] = readdirSync(folder)
    mkdirSync(toolsFolder, { recursive: true })
    const unpack = capture('dpkg-deb', ['--extract', join(folder, archive), folder])
    if (unpack.code !== 0) fail(`cannot unpack ${archive}:\n${unpack.output}`)
    const copy = capture('install', [join(folder, 'usr/lib/postgresql/15/bin/pgbench'), join(toolsFolder, 'pgbench')])
    if (copy.code !== 0) fail(copy.output)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Builds the guest image if need be; the script itself knows when there is nothing to do.
 * @returns whether there is an image.
 */
export function ensureGuestImage() {
  const script = join(root, 'guest-image', 'build.sh')
  if (!existsSync(script)) return false
  const { code, output } = capture(script, [join('dist', 'guest')])
  if (output.trim()) console.log(output.trim())
  return code === 0
}
