// Writes the tables of README.md from the catalogue and action.yml.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { operations } from '../src/operations/catalogue.ts'

const root = join(import.meta.dirname, '..')
const readme = join(root, 'README.md')

interface Declared {
  readonly description: string
  readonly default?: string
  readonly required?: boolean
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** README.md with its tables as they should be. */
export function withTables(text: string): string {
  const { inputs, outputs } = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Record<
    'inputs' | 'outputs',
    Record<string, Declared>
  >
  const tables = {
    operations: table(
      ['operation', 'what it does', 'sent again after a failure'],
      operations.map(({ name, does, delivery }) => [
        `\`${name}\``,
        does,
        { repeatable: 'yes', keyed: 'with an `externalId`', once: 'never' }[delivery],
      ]),
    ),
    inputs: table(
      ['input', 'meaning', 'default'],
      Object.entries(inputs).map(([name, input]) => [
        `\`${name}\``,
        `${input.required ? '**Required.** ' : ''}${input.description}`,
        input.default === undefined ? '' : `\`${input.default}\``,
      ]),
    ),
    outputs: table(
      ['output', 'value'],
      Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, description]),
    ),
  }
  return Object.entries(tables).reduce(
    (whole, [name, content]) =>
      whole.replace(
        new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`),
        (_, start, end) => `${start}\n${content}\n${end}`,
      ),
    text,
  )
}

if (import.meta.main) writeFileSync(readme, withTables(readFileSync(readme, 'utf8')))
