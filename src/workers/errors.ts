/**
 * A fault that may pass by itself (a QMP socket that does not answer yet, a guest that is still booting).
 * Throw it from a step to have the job tried again with back-off; any other error is final at once.
 */
export class TransientError extends Error {
  override readonly name = 'TransientError'
}

/** A kernel device, namespace or process stands under our name but does not carry our mark: we never touch it. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError'
}

/** The guest did not let go of a device in time. `force` cuts the tap instead of waiting. */
export class GuestKeepsDeviceError extends Error {
  override readonly name = 'GuestKeepsDeviceError'
}
