/**
 * What kernels and guests say, as PostgreSQL can store it: NUL and half surrogate pairs become U+FFFD. A guest chooses
 * its words, and must not be able to have a worker's report refused.
 */
export function storable<T>(said: T): T {
  return JSON.parse(JSON.stringify(said), (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value,
  ) as T
}
