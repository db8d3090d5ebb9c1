import { type RouteDefinition, SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type Serialize = (document: unknown) => string

/**
 * Fastify builds a serialiser for each answer of each route before it listens: some 150 of them, most for the same few
 * shapes, and most never used. Ours are built when first needed and once for each shape, which halves the time to start
 * and saves memory.
 * @param shared - the schemas that others refer to, by `$id`.
 */
export function buildSerializer(shared: unknown, options: unknown): (route: RouteDefinition) => Serialize {
  const build = SerializerSelector()(shared, options as never)
  const built = new Map<string, Serialize>()
  return (route) => {
    let own: Serialize | undefined
    return (document) => {
      own ??= remembered(built, JSON.stringify(route.schema), () => build(route))
      return own(document)
    }
  }
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make()
  known.set(key, value)
  return value
}
