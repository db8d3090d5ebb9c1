/** Figures as they are measured, the table that people read, and the JSON that tools compare. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface Goal {
  readonly sense: 'at most' | 'at least'
  readonly limit: number
}

export const atMost = (limit: number): Goal => ({ sense: 'at most', limit })
export const atLeast = (limit: number): Goal => ({ sense: 'at least', limit })

export interface Figure {
  readonly measurement: string
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal?: Goal
  /** What helps to read the figure, in a few words. */
  readonly note?: string
}

export const isMet = ({ value, goal }: Figure): boolean | undefined => {
  if (!goal) return undefined
  return goal.sense === 'at most' ? value <= goal.limit : value >= goal.limit
}

/** Collects the figures of one run. */
export class Report {
  readonly figures: Figure[] = []
  readonly failures: { measurement: string; error: string }[] = []
  /** Share of the CPU that others took before each measurement, see `busyShare`. */
  readonly busyBefore: Record<string, number> = {}
  /** Raw material that the figures were made from, by measurement. */
  readonly details: Record<string, unknown> = {}

  /** Adds a figure, and shows it: a run takes minutes. */
  add(figure: Figure): void {
    this.figures.push(figure)
    console.log(`  ${row(figure).join('  ').trimEnd()}`)
  }

  table(): string {
    const rows = [HEADINGS, ...this.figures.map((figure) => [figure.measurement, ...row(figure)])]
    const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)))
    const lines = rows.map((cells) =>
      cells.map((cell, column) => (column === 2 ? cell.padStart(widths[2] ?? 0) : cell.padEnd(widths[column] ?? 0))),
    )
    lines.splice(
      1,
      0,
      widths.map((width) => '-'.repeat(width)),
    )
    const failed = this.failures.map(({ measurement, error }) => `${measurement} FAILED: ${error}`)
    const busy = Object.values(this.busyBefore).map((share) => `${Math.round(share * 100)} %`)
    const others = `CPU that others took just before each measurement: ${busy.join(', ')}`
    return [...lines.map((cells) => cells.join('  ').trimEnd()), ...failed, others].join('\n')
  }

  /** @returns the path of the file. */
  async write(folder: string, startedAt: Date, facts: object): Promise<string> {
    await mkdir(folder, { recursive: true })
    const file = path.join(folder, `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}.json`)
    const figures = this.figures.map((figure) => ({ ...figure, met: isMet(figure) ?? null }))
    const { failures, busyBefore, details } = this
    const whole = { started_at: startedAt.toISOString(), ...facts, busy_before: busyBefore, figures, failures, details }
    await writeFile(file, `${JSON.stringify(whole, null, 2)}\n`)
    return file
  }
}

const HEADINGS = ['measurement', 'figure', 'value', 'unit', 'goal', '', 'note']

function row(figure: Figure): string[] {
  const { name, value, unit, goal, note } = figure
  const met = isMet(figure)
  return [
    name,
    digits(value),
    unit,
    goal ? `${goal.sense} ${goal.limit}` : '',
    met === undefined ? '' : met ? 'met' : 'MISSED',
    note ?? '',
  ]
}

/** Three significant digits, or the whole number. */
function digits(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
