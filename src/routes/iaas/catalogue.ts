/**
 * Images and sizes that instances can be asked for. They are names: every guest is the one that the service is configured
 * with, whatever the image is called; of a size, processors and memory count.
 */
import type { Deps } from '../../app.ts'
import { type Actions, reads } from './call.ts'

/** Ids of public images, by family, as callers name them in their configurations. */
const IMAGE_IDS: Readonly<Record<string, string>> = {
  centos:
    'centos58x86 centos63x64 centos64x64 centos64x64a centos64x86a centos65x64 centos65x64d centos68x64 centos7x64 centos7x64d centos73x64 centos74x64 centos75x64b centos76x64a centos77x64a centos78x64a centos79x64a',
  ubuntu:
    'trustysrvx64e trustysrvx64h xenialx64b xenial3x64 xenial4x64a xenial5x64b bionic1x64 bionic1x64a bionic1x64c bionic2x64 focal1x64 focal2x64 jammy1x64',
  debian: 'debian8x64 debian87x64 debian91x64 debian10x64 debian11x64',
  fedora: 'fedora18x86a fedora20x64b fedora24x64',
  opensuse: 'opensuse12x64c',
  arch: 'arch201609x64a',
  freebsd: 'freebsd10u1x64 freebsd11u0x64',
  coreos: 'coreose',
  windows: 'winsrv2008r2x64 win2k8r2eechs winsrv2012r2x64 win2k12r2std winsrv2016x64 winsrv2019x64',
}

export interface Image {
  readonly image_id: string
  readonly image_name: string
  readonly os_family: string
  readonly platform: 'linux' | 'windows'
  readonly processor_type: '64bit' | '32bit'
  /** `self`: configured by the operator of this service. */
  readonly provider: 'system' | 'self'
  /** GB. */
  readonly image_size: number
}

const image = (id: string, family: string, provider: Image['provider']): Image => ({
  image_id: id,
  image_name: id,
  os_family: family,
  platform: family === 'windows' ? 'windows' : 'linux',
  processor_type: /x86[a-z]?$/.test(id) ? '32bit' : '64bit',
  provider,
  image_size: family === 'windows' ? 50 : 20,
})

const PUBLIC = Object.entries(IMAGE_IDS).flatMap(([family, ids]) =>
  ids.split(' ').map((id) => image(id, family, 'system')),
)

const imagesOf = ({ instances }: Pick<Deps, 'instances'>): Image[] => [
  ...instances.images.map((id) => image(id, 'linux', 'self')),
  ...PUBLIC.filter(({ image_id }) => !instances.images.includes(image_id)),
]

export const findImage = (deps: Pick<Deps, 'instances'>, id: string): Image | undefined =>
  imagesOf(deps).find(({ image_id }) => image_id === id)

/** The image of an instance, which may not be listed any more, or never have been. */
export const imageOf = (deps: Pick<Deps, 'instances'>, id: string): Image =>
  findImage(deps, id) ?? image(id, '', 'self')

export interface Size {
  readonly vcpus: number
  /** MiB. */
  readonly memory: number
}
export const CPUS: readonly number[] = [1, 2, 4, 8, 16]
export const MIN_MEMORY = 1024
export const MAX_MEMORY = 32_768
const MEMORY_GB = [1, 2, 4, 6, 8, 12, 16, 24, 32]
/** Processors, and memory in GB: sizes with names of their own. */
const NAMED: readonly (readonly [string, number, number])[] = [
  ['small_a', 1, 1],
  ['small_b', 1, 1],
  ['small_c', 1, 2],
  ['medium_a', 2, 2],
  ['medium_b', 2, 4],
  ['medium_c', 2, 8],
  ['large_a', 4, 4],
  ['large_b', 4, 8],
  ['large_c', 4, 16],
]
const WORDS = ['small', 'medium', 'large', 'xlarge', '2xlarge']

/** `c2m4` has 2 processors and 4 GB, `s1.medium.r2` 2 processors and 2 GB for each. */
const SIZES: ReadonlyMap<string, Size> = new Map(
  [
    ...CPUS.flatMap((cpus) =>
      MEMORY_GB.filter((gb) => gb >= cpus && gb <= 8 * cpus).map((gb) => [`c${cpus}m${gb}`, cpus, gb] as const),
    ),
    ...NAMED,
    ...CPUS.flatMap((cpus, at) =>
      [1, 2, 4].filter((r) => r * cpus <= 32).map((r) => [`s1.${WORDS[at]}.r${r}`, cpus, r * cpus] as const),
    ),
  ].map(([id, vcpus, gb]) => [id, { vcpus, memory: gb * 1024 }]),
)

export const sizeOfType = (id: string): Size | undefined => SIZES.get(id)

/** The name of a size; `''` when it has none. */
export const typeOf = ({ vcpus, memory }: Size): string => {
  const id = `c${vcpus}m${memory / 1024}`
  return SIZES.has(id) ? id : ''
}

const given = (values: readonly string[] | undefined, value: string): boolean => values?.includes(value) ?? true
const ALWAYS = '2013-08-30T00:00:00Z'

export const CATALOGUE: Actions = {
  DescribeImages: reads(async ({ deps, params }) => {
    const search = params.text('search_word')?.toLowerCase()
    const only = (name: string) => params.list(name)
    const [ids, families, processors] = [only('images'), only('os_family'), only('processor_type')]
    const [providers, platforms, visibility, status] = [
      only('provider'),
      only('platform'),
      only('visibility'),
      only('status'),
    ]
    const images = imagesOf(deps).filter(
      (one) =>
        given(ids, one.image_id) &&
        given(families, one.os_family) &&
        given(processors, one.processor_type) &&
        given(providers, one.provider) &&
        given(platforms, one.platform) &&
        given(visibility, 'public') &&
        given(status, 'available') &&
        (search === undefined || one.image_id.includes(search)),
    )
    const { offset, limit } = params.slice()
    return {
      image_set: images.slice(offset, offset + limit).map((one) => ({
        ...one,
        description: '',
        size: one.image_size,
        visibility: 'public',
        status: 'available',
        transition_status: '',
        sub_code: 0,
        owner: one.provider,
        create_time: ALWAYS,
        status_time: ALWAYS,
      })),
      total_count: images.length,
    }
  }),

  DescribeInstanceTypes: reads(async ({ params }) => {
    const ids = params.list('instance_types')
    const zone = params.text('zone') ?? ''
    const types = [...SIZES].filter(([id]) => given(ids, id))
    const { offset, limit } = params.slice()
    return {
      instance_type_set: types.slice(offset, offset + limit).map(([id, { vcpus, memory }]) => ({
        instance_type_id: id,
        instance_type_name: id,
        description: '',
        vcpus_current: vcpus,
        memory_current: memory,
        status: 'available',
        zone_id: zone,
      })),
      total_count: types.length,
    }
  }),
}
