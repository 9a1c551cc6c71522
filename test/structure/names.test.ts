// One name, one meaning; one file, one idea.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..', 'src')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The names that a file declares at its top level. */
function declaredIn(file: string): string[] {
  const declaration =
    /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:(?:const|let|type|interface|class|enum) |function\*? )(?:(\w+)|[[{]([^=]*?)[\]}] =)/gm
  return [...read(file).matchAll(declaration)].flatMap(([, name, several = '']) =>
    name === undefined ? several.split(/[\s,]+/).filter(Boolean) : [name],
  )
}

test('no name is declared in two files', () => {
  const places = new Map<string, Set<string>>()
  for (const file of files) {
    for (const name of declaredIn(file)) places.set(name, (places.get(name) ?? new Set()).add(file))
  }
  const twice = [...places]
    .filter(([, where]) => where.size > 1)
    .map(([name, where]) => `${name}: ${[...where].join(', ')}`)
  expect(twice).toEqual([])
  expect(places.size).toBeGreaterThan(files.length)
})

/** The longest file without a reason for its length: the words `longer than a page` in the comment at its head. */
const maxLines = 250

test('a file of more than 250 lines says why at its head', () => {
  const long = files.filter((file) => {
    const text = read(file)
    const [head = ''] = text.split('\n\n')
    return text.split('\n').length > maxLines && !/longer than a page/.test(head)
  })
  expect(long).toEqual([])
})

test('operations are asked for their properties, not for their names', () => {
  const comparing = files.filter((file) => /operation\.(name|sdkName) [!=]==? ['"`]/.test(read(file)))
  expect(comparing).toEqual([])
})

test('only index.ts knows the process and the runner', () => {
  const knowing = files.filter((file) => file !== 'index.ts' && /process\.env|from '@actions\/core'/.test(read(file)))
  expect(knowing).toEqual([])
})
