interface Disposable {
  dispose(): Promise<void>
}

/** Goes on with something that was just made; what fails on the way takes it away, for nobody else knows of it yet. */
export async function madeWith<T extends Disposable, R>(made: T, goOn: (made: T) => Promise<R>): Promise<R> {
  try {
    return await goOn(made)
  } catch (error) {
    await made.dispose()
    throw error
  }
}
