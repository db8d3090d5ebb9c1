import { type Static, type TSchema, Type } from 'typebox'

/** `T | null` as a type list, which serialises faster than `anyOf` and reads better in the OpenAPI document. */
export function Nullable<T extends TSchema>(schema: T) {
  const { type, enum: values, ...rest } = schema as { type?: string; enum?: unknown[] }
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    type: [type ?? 'string', 'null'],
    ...(values ? { enum: [...values, null] } : {}),
  })
}
