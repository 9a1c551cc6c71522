// Writes the parts of README.md and docs/ that the catalogue, action.yml and examples/ say already.
// `<!-- NAME -->…<!-- /NAME -->` marks each.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type Figures, markdownOf } from '../bench/report.ts'
import { findOperation, type Operation, operations } from '../src/operations/catalogue.ts'
import { exampleOf } from './examples.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The documents that have such parts, relative to the project. */
export const documents: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

interface Declared {
  readonly description: string
  readonly default?: string
  readonly required?: boolean
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const declared = (part: 'inputs' | 'outputs') =>
  Object.entries(parse(read('action.yml'))[part] as Record<string, Declared>)

const repeats = { idempotent: 'yes', 'idempotency-key': 'with an `externalId`', unsafe: 'never' }

/** A table of operations, with links from where it stands. */
function operationTable(link: (name: string) => string): string {
  const rows = operations.map(({ name, purpose, retry }) => [link(name), purpose, repeats[retry]])
  return table(['operation', 'what it does', 'sent again after a failure'], rows)
}

const statuses: Partial<Record<string, string>> = {
  getInvoice: "the invoice's state",
  getIntegrationResource: "the resource's status",
  submitInvoice: '`accepted`, or `duplicate`; `validated` in test mode with `validate`; with `wait-for` the state',
  updateInvoice: '`accepted`; with `wait-for` the state',
}

const extraOutputs: Partial<Record<string, string>> = {
  submitInvoice: ', `invoiceId`, `externalId`',
  getInvoice: ', `invoiceId`, `externalId`',
  updateInvoice: ', `invoiceId`',
  exchangeSsoToken: ', `idToken`, `accessToken`, `refreshToken`',
  rotateInstallationCredential: ', `accessToken`',
}

/** What there is to know of an operation, and a payload that works. */
function portrait({ name, sdkName, id, method, path, retry, anonymous }: Operation): string {
  const names = [...(sdkName === name ? [] : [`\`${sdkName}\``]), `\`${id}\``].join(', ')
  const [, ...lines] = exampleOf(name).trimEnd().split('\n')
  return [
    table(
      ['', ''],
      [
        ['other names', names],
        ['request', `\`${method} ${path}\`${anonymous ? ', without a `token`' : ''}`],
        ['sent again after a failure', repeats[retry]],
        ['`status`', statuses[name] ?? '`accepted`'],
        [
          'outputs',
          `\`operation\`, \`status\`, \`result\`, \`httpStatus\`, \`requestId\`, \`attempts\`${extraOutputs[name] ?? ''}`,
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

/** A document with its generated parts as they should be. */
export function generated(text: string): string {
  return text.replace(/<!-- ([\w-]+) -->\n[\s\S]*?<!-- \/\1 -->/g, (_, name: string) => {
    return `<!-- ${name} -->\n${part(name)}\n<!-- /${name} -->`
  })
}

/** @throws {Error} where nothing has that name */
function part(name: string): string {
  switch (name) {
    case 'operations':
      return operationTable((operation) => `[\`${operation}\`](docs/operations.md#${operation.toLowerCase()})`)
    case 'contents':
      return operationTable((operation) => `[\`${operation}\`](#${operation.toLowerCase()})`)
    case 'inputs':
      return table(
        ['input', 'meaning', 'default'],
        declared('inputs').map(([input, { description, required, default: value }]) => [
          `\`${input}\``,
          `${required ? '**Required.** ' : ''}${description}`,
          value === undefined ? '' : `\`${value}\``,
        ]),
      )
    case 'outputs':
      return table(
        ['output', 'value'],
        declared('outputs').map(([output, { description }]) => [`\`${output}\``, description]),
      )
  }
  if (name === 'figures') {
    const { machine, tables } = JSON.parse(read('docs/performance.json')) as Figures
    return `${machine}.\n\n${Object.values(tables).map(markdownOf).join('\n')}`
  }
  const operation = findOperation(name)
  if (!operation) throw new Error(`There is nothing to write between <!-- ${name} --> and <!-- /${name} -->`)
  return portrait(operation)
}

if (import.meta.main) {
  for (const path of documents) writeFileSync(join(root, path), generated(read(path)))
}
