/** The service cannot come up, and the operator can do something about it: `message` says what, and needs no stack. */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError'
}
