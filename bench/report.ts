// The figures of the benchmarks: their types, and their tables in Markdown.

/** The median of several runs, with the lowest and the highest value. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export interface Column {
  readonly title: string
  readonly unit: string
  /** Digits after the decimal point; 0 by default. */
  readonly digits?: number
  /** Whether to add a column with the ratio to the first row, the baseline. */
  readonly isRatio?: boolean
}

export interface Row {
  readonly name: string
  /** In the order of the columns; undefined if the value cannot be measured. */
  readonly cells: readonly (Spread | undefined)[]
}

export interface Table {
  readonly title: string
  /** What was measured, in a sentence or two. */
  readonly method: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
}

/** The machine, and one table per measurement. */
export interface Figures {
  readonly machine: string
  readonly tables: Readonly<Record<string, Table>>
}

/** @param values  at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? Number.NaN
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2
  return { median, low: at(0), high: at(sorted.length - 1) }
}

export function markdownOf({ title, method, columns, rows }: Table): string {
  const [baseline] = rows
  const heads = columns.flatMap(({ title: head, isRatio }) => (isRatio ? [head, '×'] : [head]))
  const lines = rows.map(({ name, cells }) => {
    const texts = columns.flatMap((column, index) => {
      const cell = cells[index]
      const shown = cell ? format(cell, column) : '–'
      return column.isRatio ? [shown, cell ? ratio(cell, baseline?.cells[index]) : '–'] : [shown]
    })
    return `| ${[name, ...texts].join(' | ')} |`
  })
  return [
    `### ${title}\n\n${method}\n`,
    `| | ${heads.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(heads.length)}`,
    ...lines,
    '',
  ].join('\n')
}

function format({ median, low, high }: Spread, { unit, digits = 0 }: Column): string {
  const shown = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return low === high ? `${shown(median)} ${unit}` : `${shown(median)} ${unit} (${shown(low)}–${shown(high)})`
}

const ratio = ({ median }: Spread, baseline: Spread | undefined) =>
  baseline ? (median / baseline.median).toFixed(2) : '–'
