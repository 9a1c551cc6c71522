// Generates the parts of action.yml, README.md and docs/ that repeat the tables in src/, the examples and the benchmark's
// figures. Each part stands between `<!-- NAME -->` and `<!-- /NAME -->`. Then writes the repository's name and the major
// version into all references to this action. `npm run docs`

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Figures, markdownOf } from '../bench/report.ts'
import { type InputName, type InputRow, inputNames, rowOf } from '../src/inputs/table.ts'
import { type Family, findOperation, operations } from '../src/operations/catalogue.ts'
import { kebabCase } from '../src/operations/operation.ts'
import { allFailures } from './reference/failure-table.ts'
import { journalHeaderTable, journalTable, reportTable } from './reference/format-tables.ts'
import { inputReference, inputTexts, outputTable, outputTexts } from './reference/input-table.ts'
import { table } from './reference/markdown.ts'
import { describeOperation, describeOwnOperation, retryTexts } from './reference/operation-page.ts'
import { writeReferences } from './repository.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The documents that can have generated parts, relative to the project's root. */
export const documents: readonly string[] = [
  'action.yml',
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .sort(),
]

const yamlOf = (name: string, value: object) => stringify({ [name]: value }, { lineWidth: 0 }).trimEnd()

const declarationOf = (name: InputName, { required, default: value }: InputRow) => ({
  description: inputTexts.get(name),
  ...(required && { required }),
  ...(value !== undefined && { default: value }),
})

/** What the operations of each family are about. */
const families: Readonly<Record<Family, string>> = {
  billing: 'Usage, invoices and refunds',
  installation: 'Installations and their credentials',
  resources: 'Resources and their secrets',
  sso: 'Single sign-on',
  experimentation: 'Experiments and flags',
}

/** The operations of each family as a table. */
function operationTables(): string {
  return (Object.keys(families) as Family[])
    .map((family) => {
      const rows = operations
        .filter((operation) => operation.family === family)
        .map(({ name, purpose, retry }) => [`[\`${name}\`](reference/${name}.md)`, purpose, retryTexts[retry]])
      return `### ${families[family]}\n\n${table(['operation', 'what it does', 'retried after a lost response'], rows)}`
    })
    .join('\n\n')
}

/** The operations in one row per family, for the README. */
const operationOverview = (): string =>
  table(
    ['about', 'operations'],
    (Object.keys(families) as Family[]).map((family) => [
      families[family],
      operations
        .filter((operation) => operation.family === family)
        .map(({ name }) => `[${name}](docs/reference/${name}.md)`)
        .join(', '),
    ]),
  )

/**
 * Replaces the generated parts of a document.
 *
 * @throws {Error} if a marker has an unknown name
 */
export function generated(text: string): string {
  return text.replace(/(# )?<!-- ([\w-]+) -->\n[\s\S]*?<!-- \/\2 -->/g, (_, comment = '', name: string) => {
    return `${comment}<!-- ${name} -->\n${part(name)}\n${comment}<!-- /${name} -->`
  })
}

/**
 * Generates the text between two markers.
 *
 * @param name  of the markers: that of a table, or an operation
 * @throws {Error} if there is no such part
 */
function part(name: string): string {
  const create = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (create) return create()
  const operation = findOperation(name)
  if (!operation)
    throw new Error(`Unknown marker <!-- ${name} -->: use the name of an operation, or one of those in scripts/docs.ts`)
  return describeOperation(operation)
}

/** The generated parts by the name of their markers, apart from those of operations. */
const parts: Readonly<Record<string, () => string>> = {
  'action-inputs': () =>
    yamlOf('inputs', Object.fromEntries(inputNames.map((name) => [name, declarationOf(name, rowOf(name))]))),
  'action-outputs': () =>
    yamlOf('outputs', Object.fromEntries([...outputTexts].map(([name, description]) => [name, { description }]))),
  failures: allFailures,
  operations: operationOverview,
  contents: operationTables,
  inputs: inputReference,
  'journal-header': journalHeaderTable,
  'journal-fields': journalTable,
  'report-columns': reportTable,
  outputs: outputTable,
  mergeJournals: () => describeOwnOperation('mergeJournals'),
  trackInvoices: () => describeOwnOperation('trackInvoices'),
  figures() {
    const { machine, tables } = JSON.parse(read('docs/performance.json')) as Figures
    return `${machine}.\n\n${Object.values(tables).map(markdownOf).join('\n')}`
  },
}

/** src/operations/index.generated.ts: which family each operation is in, and its other names. */
export function operationIndex(): string {
  const rows = operations.map(({ name, id, sdkName, family, searchedAs = [] }) => {
    const fields = [
      ...(id === kebabCase(name) ? [] : [`id: '${id}'`]),
      ...(sdkName === name ? [] : [`sdkName: '${sdkName}'`]),
      `family: '${family}'`,
      ...(searchedAs.length === 0 ? [] : [`searchedAs: [${searchedAs.map((text) => `'${text}'`).join(', ')}]`]),
    ]
    const row = `  ${name}: { ${fields.join(', ')} },`
    return row.length <= 120 ? row : [`  ${name}: {`, ...fields.map((field) => `    ${field},`), '  },'].join('\n')
  })
  return [
    '// Generated by `npm run docs` from the definitions: the names and the family of each operation.',
    '',
    "import type { Family, OperationName } from './operation.ts'",
    '',
    '/** `id` is missing if it is the name in kebab case, `sdkName` if it is the name. */',
    'export interface IndexEntry {',
    '  readonly id?: string',
    '  readonly sdkName?: string',
    '  readonly family: Family',
    '  readonly searchedAs?: readonly string[]',
    '}',
    '',
    'export const operationIndex = {',
    ...rows,
    '} as const satisfies Record<OperationName, IndexEntry>',
    '',
  ].join('\n')
}

if (import.meta.main) {
  writeFileSync(join(root, 'src', 'operations', 'index.generated.ts'), operationIndex())
  for (const path of documents) writeFileSync(join(root, path), generated(read(path)))
  writeReferences()
}
