// Generates the parts of action.yml, README.md and docs/ that repeat the tables in src/, the examples and the benchmark's
// figures. Each part stands between `<!-- NAME -->` and `<!-- /NAME -->`. Then writes the repository's name and the major
// version into all references to this action. `npm run docs`

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Figures, markdownOf } from '../bench/report.ts'
import { failures } from '../src/failure-register.ts'
import { type InputRow, inputNames, rowOf } from '../src/inputs/table.ts'
import { findOperation, type Operation, operations } from '../src/operations/catalogue.ts'
import { kebabCase } from '../src/operations/operation.ts'
import { docComments } from './doc-comments.ts'
import { exampleOf } from './examples.ts'
import { writeReferences } from './repository.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The documents that can have generated parts, relative to the project's root. */
export const documents: readonly string[] = [
  'action.yml',
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Whether the action retries a request after an attempt with an unknown outcome, for the tables. */
const retryTexts = { idempotent: 'yes', 'idempotency-key': 'with an `externalId`', unsafe: 'never' }

const yamlOf = (name: string, value: object) => stringify({ [name]: value }, { lineWidth: 0 }).trimEnd()

const inputTexts = docComments(join(root, 'src', 'inputs', 'table.ts'), 'inputTable')
const outputTexts = docComments(join(root, 'src', 'report', 'outputs.ts'), 'outputNames')

const declarationOf = (name: string, { required, default: value }: InputRow) => ({
  description: inputTexts.get(name),
  ...(required && { required }),
  ...(value !== undefined && { default: value }),
})

/** @param link  the Markdown link to an operation's section, from the document that the table is for */
function operationTable(link: (name: string) => string): string {
  const rows = operations.map(({ name, purpose, retry }) => [link(name), purpose, retryTexts[retry]])
  return table(['operation', 'what it does', 'retried after a lost response'], rows)
}

/** The values that the output `status` of an operation can have. */
function statusesOf({ statusField, statusOf, canWait, retry }: Operation): string {
  if (statusField) return statusField.meaning
  return [
    '`accepted`',
    ...(retry === 'idempotency-key' ? ['`duplicate`'] : []),
    ...(statusOf ? ['`validated` in test mode with `validate`'] : []),
    ...(canWait ? ["with `wait-for` the invoice's state"] : []),
  ].join(', ')
}

/** The outputs of an operation that not every operation has. */
const extraOutputsOf = ({ hasInvoice, returnsInvoice, retry, money, issues = [] }: Operation): string =>
  [
    'digest',
    ...(money ? ['amount'] : []),
    ...(hasInvoice ? ['invoiceId'] : []),
    ...(returnsInvoice || retry === 'idempotency-key' ? ['externalId'] : []),
    ...issues,
  ]
    .map((name) => `, \`${name}\``)
    .join('')

/** The properties of an operation as a table, and its example payload. */
function describeOperation(operation: Operation): string {
  const { name, sdkName, id, method, path, retry, anonymous } = operation
  const names = [...(sdkName === name ? [] : [`\`${sdkName}\``]), `\`${id}\``].join(', ')
  const [, ...lines] = exampleOf(name).trimEnd().split('\n')
  return [
    table(
      ['', ''],
      [
        ['other names', names],
        ['request', `\`${method} ${path}\`${anonymous ? ', without a `token`' : ''}`],
        ['retried after a lost response', retryTexts[retry]],
        ['`status`', statusesOf(operation)],
        [
          'outputs',
          `\`operation\`, \`status\`, \`result\`, \`httpStatus\`, \`requestId\`, \`attempts\`${extraOutputsOf(operation)}`,
        ],
        ['schema', `[${name}.json](../schemas/${name}.json)`],
      ],
    ),
    '',
    '```yaml',
    ...lines,
    '```',
  ].join('\n')
}

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
  switch (name) {
    case 'action-inputs':
      return yamlOf('inputs', Object.fromEntries(inputNames.map((name) => [name, declarationOf(name, rowOf(name))])))
    case 'action-outputs':
      return yamlOf(
        'outputs',
        Object.fromEntries([...outputTexts].map(([name, description]) => [name, { description }])),
      )
    case 'failures':
      return table(
        ['`errorCode`', 'what it means', 'what to do'],
        Object.entries(failures).map(([code, { meaning, remedy }]) => [`\`${code}\``, meaning, remedy]),
      )
    case 'operations':
      return operationTable((operation) => `[\`${operation}\`](docs/operations.md#${operation.toLowerCase()})`)
    case 'contents':
      return operationTable((operation) => `[\`${operation}\`](#${operation.toLowerCase()})`)
    case 'inputs':
      return table(
        ['input', 'meaning', 'default'],
        inputNames.map((name) => {
          const { required, default: value } = rowOf(name)
          return [
            `\`${name}\``,
            `${required ? '**Required.** ' : ''}${inputTexts.get(name)}`,
            value ? `\`${value}\`` : '',
          ]
        }),
      )
    case 'outputs':
      return table(
        ['output', 'value'],
        [...outputTexts].map(([name, description]) => [`\`${name}\``, description]),
      )
  }
  if (name === 'figures') {
    const { machine, tables } = JSON.parse(read('docs/performance.json')) as Figures
    return `${machine}.\n\n${Object.values(tables).map(markdownOf).join('\n')}`
  }
  const operation = findOperation(name)
  if (!operation)
    throw new Error(`Unknown marker <!-- ${name} -->: use the name of an operation, or one of those in scripts/docs.ts`)
  return describeOperation(operation)
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
