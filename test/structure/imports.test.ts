// The order of the folders of src/: each folder imports only from those below it, and no imports form a cycle.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

/** The layers, from the top. The entries of one layer do not import from each other. */
const layers = [
  ['index.ts'],
  ['main.ts'],
  ['tasks'],
  ['inputs', 'report'],
  ['batch'],
  ['batch/tracking'],
  ['batch/sending'],
  ['batch/journal'],
  ['batch/records'],
  ['credentials'],
  ['delivery'],
  ['sandbox'],
  ['sdk'],
  ['operations'],
  ['http'],
  ['payload'],
  ['failure.ts', 'secrets.ts', 'runtime.ts'],
  ['cut-variables.ts', 'failure-register.ts', 'file-fix.ts', 'file-lock.ts', 'make-folder.ts', 'replace-file.ts'],
  ['file-identity.ts', 'format.ts', 'secrets'],
]

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => path.replaceAll('\\', '/'))

/** The files that each file imports, including type imports and dynamic imports. */
const imports = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(root, 'src', file), 'utf8'), true, true)
    const relative = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'))
    return [file, relative.map((name) => normalize(join(dirname(file), name)).replaceAll('\\', '/'))]
  }),
)

/** Returns the layer of a file: that of its own entry, or of the innermost folder that has one. */
function layerOf(file: string): number {
  for (let place = file; place !== '.'; place = dirname(place)) {
    const layer = layers.findIndex((names) => names.includes(place))
    if (layer >= 0) return layer
  }
  throw new Error(`src/${file} is not in a layer: add its folder to the list in this test`)
}

/** Returns the entry that a file belongs to. Files of one entry may import from each other. */
const partOf = (file: string) => layers[layerOf(file)]?.find((name) => file === name || file.startsWith(`${name}/`))

test('imports point downwards', () => {
  const upward = files.flatMap((file) =>
    (imports.get(file) ?? [])
      .filter((target) => partOf(target) !== partOf(file) && layerOf(target) <= layerOf(file))
      .map((target) => `src/${file} imports src/${target}`),
  )
  expect(upward).toEqual([])
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length)
})

test('no imports form a cycle', () => {
  const cycles: string[] = []
  const done = new Set<string>()
  function visit(file: string, path: readonly string[]): void {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})
