import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { OperatorError } from './operator-error.ts'

/** Somebody else holds the lock. */
export class LockedError extends OperatorError {
  override readonly name = 'LockedError'
}

/**
 * Takes a lock that the kernel gives back when this process ends, however it ends; a pid file would outlive a kill -9.
 *
 * Node has no flock(2), so util-linux's `flock` takes it on a descriptor that it shares with us: the lock belongs to the
 * open file, not to the process that asked, and stays when `flock` exits. Node opens files close-on-exec, so no child
 * keeps the lock after us.
 * @param file - is made if need be; holds the pid of the owner, for the message.
 * @param what - names the locked thing in the refusal.
 * @returns a function that gives the lock back.
 * @throws {LockedError} at once when another process, or another caller in this one, holds it.
 */
export async function takeLock(file: string, what: string): Promise<() => Promise<void>> {
  const handle = await open(file, 'a+', 0o600)
  try {
    const flock = spawn('flock', ['--exclusive', '--nonblock', '--conflict-exit-code', '75', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', handle.fd],
    })
    const [code] = (await once(flock, 'exit')) as [number | null]
    if (code === 75) throw new LockedError(`${what} is in use by ${await ownerOf(handle)}`)
    if (code !== 0) throw new Error(`flock on ${file} ended with ${code}`)
    await handle.truncate(0)
    await handle.write(`${process.pid}\n`)
  } catch (error) {
    await handle.close()
    throw error
  }
  // The file stays: were it removed, one process could hold the lock on the old file and another on a new one.
  return () => handle.close()
}

async function ownerOf(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0)
  const pid = buffer.toString('utf8', 0, bytesRead).trim()
  return pid ? `process ${pid}` : 'another process'
}
