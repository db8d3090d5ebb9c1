import '@xyflow/react/dist/base.css'
import { MiniMap, type Node, ReactFlow, ReactFlowProvider, useReactFlow, useStore, ViewportPortal } from '@xyflow/react'
import { Maximize, Minus, Plus } from 'lucide-react'
import { type FocusEvent, type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from 'react'
import type { Vpc } from '../../api/client.ts'
import { useParam } from '../../app/url-params.ts'
import { useText } from '../../text/language.tsx'
import { vpcs as words } from '../../text/vpcs.ts'
import { Button } from '../../ui/Button.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Loading, Toolbar } from '../../ui/page.tsx'
import type { Layout, PlacedLine, PlacedNode } from './layout.ts'
import { TopologyList } from './TopologyList.tsx'
import { TopologyContext, TopologyNode } from './TopologyNodes.tsx'
import styles from './topology.module.css'
import { type Found, isMatch, useTopology } from './use-topology.ts'

/** Below this zoom the words of a node are too small: it shows its name and counts only, larger. */
const FAR = 0.55
const LEAST_ZOOM = 0.04
/** With more nodes than this, only those in sight are drawn. */
const MOST_DRAWN = 150
const STEP = 80
const NODE_TYPES = { topology: TopologyNode }
type TopologyNodeType = Node<{ node: PlacedNode }, 'topology'>

/** The picture of a VPC: its router, networks, servers and cards, as they are now. */
export default function Topology({ vpc }: { vpc: Vpc }) {
  return (
    <ReactFlowProvider>
      <Picture vpc={vpc} />
    </ReactFlowProvider>
  )
}

function Picture({ vpc }: { vpc: Vpc }) {
  const t = useText()
  const [search, setSearch] = useParam('find')
  const { view, found, servers, toggle, setAll } = useTopology(vpc, search)
  const shared = useRef(toggle)
  shared.current = toggle
  const context = useMemo(
    () => ({ found, toggle: (id: string, isOpen: boolean) => shared.current(id, isOpen) }),
    [found],
  )
  if (!view) return <Loading />
  const networks = view.nodes.filter(({ kind }) => kind === 'network')
  if (networks.length === 0) return <p className="soft">{t(words.empty)}</p>
  const isAllOpen = networks.every((node) => node.kind === 'network' && (node.isOpen || node.nics.length === 0))
  return (
    <>
      <Toolbar>
        <SearchField label={t(words.findHere)} value={search} onChange={setSearch} />
        {found && <FoundCount view={view} found={found} />}
        <Button isSmall look="quiet" onPress={() => setAll(!isAllOpen)}>
          {t(isAllOpen ? words.collapseAll : words.expandAll)}
        </Button>
        <ZoomButtons />
      </Toolbar>
      <TopologyContext value={context}>
        <Canvas view={view} />
      </TopologyContext>
      <TopologyList view={view} servers={servers} />
    </>
  )
}

function FoundCount({ view, found }: { view: Layout; found: Found }) {
  const t = useText()
  const flow = useReactFlow()
  const matches = view.nodes.filter((node) => isMatch(node, found))
  const ids = matches.map(({ id }) => id).join(' ')
  // Whoever looks for something is taken there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids tell when other nodes match
  useEffect(() => {
    if (matches.length > 0) void flow.fitView({ nodes: matches, maxZoom: 1, padding: 0.3 })
  }, [ids, flow])
  return (
    <span className="soft" role="status">
      {t(words.found, { count: matches.length })}
    </span>
  )
}

function ZoomButtons() {
  const t = useText()
  const flow = useReactFlow()
  return (
    <span className={styles.zoom}>
      <Button
        isSmall
        icon={<Plus size={15} aria-hidden />}
        label={t(words.zoomIn)}
        onPress={() => void flow.zoomIn()}
      />
      <Button
        isSmall
        icon={<Minus size={15} aria-hidden />}
        label={t(words.zoomOut)}
        onPress={() => void flow.zoomOut()}
      />
      <Button
        isSmall
        icon={<Maximize size={15} aria-hidden />}
        label={t(words.fit)}
        onPress={() => void flow.fitView()}
      />
    </span>
  )
}

function Canvas({ view }: { view: Layout }) {
  const t = useText()
  const flow = useReactFlow()
  const isFar = useStore(({ transform }) => transform[2] < FAR)
  const [pointed, setPointed] = useState<string>()
  const isWhole = useIsWhole(view)
  const nodes = useNodes(view)
  const onKeyDown = (event: KeyboardEvent) => {
    const move = keyMove(event)
    if (move === undefined) return
    event.preventDefault()
    if (move === 'in') void flow.zoomIn()
    else if (move === 'out') void flow.zoomOut()
    else if (move === 'all') void flow.fitView()
    else {
      const { x, y, zoom } = flow.getViewport()
      void flow.setViewport({ x: x + move[0] * STEP, y: y + move[1] * STEP, zoom })
    }
  }
  const showFocused = useShowFocused()
  return (
    <section
      className={styles.canvas}
      aria-label={t(words.picture)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what moves by keys has to have the focus
      tabIndex={0}
      data-far={isFar || undefined}
      onKeyDown={onKeyDown}
      onFocus={showFocused}
    >
      <ReactFlow
        nodes={nodes}
        nodeTypes={NODE_TYPES}
        fitView
        minZoom={LEAST_ZOOM}
        maxZoom={1.5}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        // The wheel moves the page; with Ctrl it zooms.
        zoomOnScroll={false}
        preventScrolling={false}
        onlyRenderVisibleElements={nodes.length > MOST_DRAWN}
        attributionPosition="bottom-left"
        onNodeMouseEnter={(_, { id }) => setPointed(id)}
        onNodeMouseLeave={() => setPointed(undefined)}
      >
        <ViewportPortal>
          <Lines lines={view.lines} pointed={pointed} />
        </ViewportPortal>
        {!isWhole && (
          <MiniMap
            className={styles.minimap}
            pannable
            zoomable
            ariaLabel={t(words.minimap)}
            nodeClassName={({ data }) => `${styles.mini} ${styles[(data as TopologyNodeType['data']).node.kind]}`}
            nodeBorderRadius={12}
          />
        )}
      </ReactFlow>
    </section>
  )
}

/** Whether all of the picture is in sight. */
function useIsWhole({ nodes }: Layout): boolean {
  const right = Math.max(...nodes.map(({ x, width }) => x + width))
  const bottom = Math.max(...nodes.map(({ y, height }) => y + height))
  return useStore(
    ({ transform: [x, y, zoom], width, height }) =>
      x >= 0 && y >= 0 && x + right * zoom <= width && y + bottom * zoom <= height,
  )
}

/** Nodes of React Flow; one whose place and data are as before is the same object, and is not drawn anew. */
function useNodes(view: Layout): TopologyNodeType[] {
  const before = useRef<ReadonlyMap<string, TopologyNodeType>>(new Map())
  return useMemo(() => {
    const nodes = view.nodes.map((node): TopologyNodeType => {
      const old = before.current.get(node.id)
      if (old && JSON.stringify(old.data.node) === JSON.stringify(node)) return old
      const { id, x, y, width, height } = node
      return { id, type: 'topology', position: { x, y }, width, height, data: { node } }
    })
    before.current = new Map(nodes.map((node) => [node.id, node]))
    return nodes
  }, [view])
}

const Lines = memo(({ lines, pointed }: { lines: readonly PlacedLine[]; pointed: string | undefined }) => (
  <svg className={styles.lines} aria-hidden="true">
    {lines.map(({ id, d, tone, ends }) => (
      <path
        key={id}
        className={styles.line}
        d={d}
        data-tone={tone}
        data-pointed={(pointed !== undefined && ends.includes(pointed)) || undefined}
      />
    ))}
  </svg>
))

type Move = readonly [x: number, y: number] | 'in' | 'out' | 'all'
function keyMove({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent): Move | undefined {
  if (ctrlKey || metaKey || altKey || target instanceof HTMLInputElement) return
  switch (key) {
    case 'ArrowLeft':
      return [1, 0]
    case 'ArrowRight':
      return [-1, 0]
    case 'ArrowUp':
      return [0, 1]
    case 'ArrowDown':
      return [0, -1]
    case '+':
    case '=':
      return 'in'
    case '-':
      return 'out'
    case '0':
      return 'all'
    default:
      return
  }
}

/** Moves the picture so that the node that the keyboard goes to is in sight. */
function useShowFocused(): (event: FocusEvent<HTMLElement>) => void {
  const flow = useReactFlow()
  return ({ target, currentTarget: canvas }) => {
    const id = target.closest<HTMLElement>('.react-flow__node')?.dataset.id
    const node = id === undefined ? undefined : flow.getNode(id)
    if (!node || !target.matches(':focus-visible')) return
    // The browser scrolls what is hidden into sight by itself, which would move the picture away from its viewport.
    for (const element of [canvas, ...canvas.querySelectorAll('.react-flow, .react-flow__renderer, .react-flow__pane')])
      element.scrollTo(0, 0)
    const { x, y, zoom } = flow.getViewport()
    const { width = 0, height = 0, position } = node
    const left = x + position.x * zoom
    const top = y + position.y * zoom
    const isInSight =
      left >= 0 && top >= 0 && left + width * zoom <= canvas.clientWidth && top + height * zoom <= canvas.clientHeight
    if (!isInSight) void flow.setCenter(position.x + width / 2, position.y + Math.min(height / 2, 120), { zoom })
  }
}
