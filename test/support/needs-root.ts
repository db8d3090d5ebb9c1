/**
 * Tests on a real kernel need root and a few programs. Where these are missing the tests are skipped aloud; with
 * `PATCHBAY_TEST_NO_SKIP=1` (CI) a skip is a failure.
 */
import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'

const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  dnsmasq: 'dnsmasq-base',
  dhcp_release: 'dnsmasq-utils',
  busybox: 'busybox-static',
  nft: 'nftables',
  conntrack: 'conntrack',
  iperf3: 'iperf3',
  tcpdump: 'tcpdump',
  perl: 'perl-base',
}

const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { env: { PATH }, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What keeps kernel tests from running here, in words; `undefined` when nothing does. */
export function whyNotOnThisKernel(alsoNeeds: Readonly<Record<string, string>> = {}): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = Object.entries({ ...PROGRAMS, ...alsoNeeds }).filter(([program]) => !isInstalled(program))
  if (missing.length > 0) return `needs ${missing.map(([program, debian]) => `${program} (${debian})`).join(', ')}`
  return undefined
}

/**
 * `describe` for tests on the real kernel.
 * @param alsoNeeds - programs beyond the usual ones, each with its Debian package.
 */
export function describeOnKernel(
  name: string,
  tests: () => void,
  alsoNeeds: Readonly<Record<string, string>> = {},
): void {
  const why = whyNotOnThisKernel(alsoNeeds)
  if (why === undefined) {
    describe(name, tests)
  } else if (process.env.PATCHBAY_TEST_NO_SKIP === '1') {
    describe(name, () => {
      it('runs on this machine', () => {
        throw new Error(`${why}, and PATCHBAY_TEST_NO_SKIP forbids to skip`)
      })
    })
  } else {
    process.stderr.write(`SKIPPED: ${name}: ${why}\n`)
    describe.skip(name, tests)
  }
}
