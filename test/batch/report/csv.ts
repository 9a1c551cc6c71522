// A strict reader of CSV as RFC 4180 has it: lines end with CRLF, quotes are doubled inside quoted cells and nowhere else.

/** @throws {Error} if the text is not valid */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let position = 0; position < text.length; ) {
    const cell = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(text.slice(position, position + 100_000))
    if (!cell) throw new Error(`Not CSV at ${position}: ${text.slice(position, position + 40)}`)
    row.push(cell[1]?.replaceAll('""', '"') ?? cell[2] ?? '')
    if (cell[3] === '\r\n') {
      rows.push(row)
      row = []
    }
    position += cell[0].length
  }
  if (row.length > 0) throw new Error('The last row has no line break')
  return rows
}

/** The rows as objects, by the names of the first row. */
export function readCsv(text: string): Record<string, string>[] {
  const [names = [], ...rows] = parseCsv(text)
  return rows.map((cells) => {
    if (cells.length !== names.length) throw new Error(`A row has ${cells.length} cells, not ${names.length}`)
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']))
  })
}
