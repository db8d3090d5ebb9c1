/** The kinds of machine a NIC can be plugged into: a QEMU virtual machine, or a named network namespace. */
export const GUEST_KINDS = ['qemu', 'namespace'] as const
export type GuestKind = (typeof GUEST_KINDS)[number]
