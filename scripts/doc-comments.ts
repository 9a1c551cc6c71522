// Reads the comments above the rows of a table in the sources: they describe the rows for people.

import { readFileSync } from 'node:fs'
import ts from 'typescript'

/**
 * The comment above each row of a table.
 *
 * @param path      of a source file
 * @param variable  its name: an object, or a list of texts
 * @throws {Error} if the variable is not there, or a row has no comment
 */
export function docComments(path: string, variable: string): Map<string, string> {
  const text = readFileSync(path, 'utf8')
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const declaration = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .find(({ name }) => name.getText(source) === variable)
  let table = declaration?.initializer
  while (table && (ts.isAsExpression(table) || ts.isSatisfiesExpression(table))) table = table.expression
  if (!table || !(ts.isObjectLiteralExpression(table) || ts.isArrayLiteralExpression(table))) {
    throw new Error(`${path} has no table ${variable}`)
  }
  const rows: readonly ts.Node[] = ts.isObjectLiteralExpression(table) ? table.properties : table.elements
  return new Map(
    rows.map((row) => {
      const name = ((row as ts.PropertyAssignment).name ?? row).getText(source).replace(/^['"]|['"]$/g, '')
      const range = ts.getLeadingCommentRanges(text, row.getFullStart())?.at(-1)
      const comment = range && text.slice(range.pos, range.end)
      if (!comment?.startsWith('/**')) throw new Error(`${path}: the row ${name} needs a comment that describes it`)
      const words = comment.slice('/**'.length, -'*/'.length).replace(/^\s*\* ?/gm, ' ')
      return [name, words.replace(/\s+/g, ' ').trim()]
    }),
  )
}
