/**
 * What has to be undone before the bench ends, whichever way it ends. Everything that starts a process or makes a
 * namespace or a folder registers its undoing first.
 */
type Undo = () => Promise<void>

const standing: Undo[] = []

/**
 * Registers an undoing.
 * @returns what runs it now, and never again.
 */
export function whenDone(undo: Undo): Undo {
  const once: Undo = async () => {
    const at = standing.indexOf(once)
    if (at < 0) return
    standing.splice(at, 1)
    await undo()
  }
  standing.push(once)
  return once
}

let cleaning: Promise<void> | undefined

/**
 * Undoes what still stands, latest first. A failure is told, and does not keep the others. Called while it is under way,
 * it waits for the same end.
 */
export function cleanUp(): Promise<void> {
  cleaning ??= undoAll().finally(() => {
    cleaning = undefined
  })
  return cleaning
}

async function undoAll(): Promise<void> {
  for (let undo = standing.at(-1); undo; undo = standing.at(-1)) {
    await undo().catch((error: unknown) => console.error('bench: cleaning up:', error))
  }
}
