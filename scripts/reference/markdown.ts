// Markdown of the generated parts.

/** A table. A `|` in a cell is escaped. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

export const code = (text: string): string => `\`${text}\``

/** `a`, `b` and `c` */
export function listed(names: readonly string[], last = 'and'): string {
  const codes = names.map(code)
  return codes.length < 2 ? codes.join('') : `${codes.slice(0, -1).join(', ')} ${last} ${codes.at(-1)}`
}

/** A text as the cell of a table: with a full stop at the end. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
