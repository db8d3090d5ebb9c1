/**
 * The routers of a data plane's VPCs, as far as they are in order: what this process has seen so costs nothing to ask
 * for again, so an attach does not pay for its VPC's router.
 */
import { isDeepStrictEqual } from 'node:util'

import { routerMark, routerNetns } from './names.ts'
import { isOurNamespace, namespaceIdentity } from './netns.ts'
import { ensureRouter, isRouterAlright } from './router.ts'
import type { RouterSpec } from './specs.ts'
import type { Uplinks } from './uplinks.ts'
import type { DataPlaneView } from './view.ts'

/** Lets one caller at a time work on a VPC's router. */
type WithRouter = <T>(vpcId: string, act: () => Promise<T>) => Promise<T>

export class Routers {
  readonly #uplinks: Uplinks
  readonly #withRouter: WithRouter
  /** By VPC: what it was asked for, and which namespace that was. */
  readonly #inOrder = new Map<string, { readonly spec: RouterSpec; readonly identity: string | undefined }>()

  constructor(uplinks: Uplinks, withRouter: WithRouter) {
    this.#uplinks = uplinks
    this.#withRouter = withRouter
  }

  /**
   * Brings the router of a VPC to the state asked for: routes, elastic IPs, translation. Does nothing while no network
   * of the VPC is here: the router comes with the first.
   * @throws {HostCommandError} with the kernel's words when it refuses; the former rules are in force then.
   */
  async ensure(spec: RouterSpec): Promise<void> {
    const router = routerNetns(this.#uplinks.netns, spec.vpcId)
    await this.#withRouter(spec.vpcId, async () => {
      const identity = await namespaceIdentity(router)
      const known = this.#inOrder.get(spec.vpcId)
      if (known && known.identity === identity && isDeepStrictEqual(known.spec, spec)) return
      this.#inOrder.delete(spec.vpcId)
      if (!(await isOurNamespace(router, routerMark(router)))) return
      await ensureRouter(this.#uplinks, spec)
      this.#inOrder.set(spec.vpcId, { spec, identity })
    })
  }

  /** Whether these routers stand as asked for, as far as they are here. Those that do not are forgotten. */
  async areAlright(specs: readonly RouterSpec[], view: DataPlaneView): Promise<boolean> {
    const alright = await Promise.all(
      specs.map(async (spec) => {
        if ((await namespaceIdentity(routerNetns(this.#uplinks.netns, spec.vpcId))) === undefined) return true
        const isAlright =
          spec.elasticIps.every((elasticIp) => view.uplinks.has(elasticIp.interface)) &&
          (await isRouterAlright(this.#uplinks.netns, spec, view.links))
        if (!isAlright) this.#inOrder.delete(spec.vpcId)
        return isAlright
      }),
    )
    return alright.every(Boolean)
  }

  /** Forgets what it has seen in order. */
  forget(): void {
    this.#inOrder.clear()
  }
}
