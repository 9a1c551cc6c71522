// The licences of the packages in the bundle. ncc's own list leaves out modules that webpack has joined into others.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What is used of webpack's modules: a joined one has others inside. */
export interface BundledModule {
  readonly resource?: string
  readonly rootModule?: BundledModule
  readonly modules?: Iterable<BundledModule>
}

/** The folders of the packages that a module comes from. */
export function packageFolders(modules: Iterable<BundledModule>, folders = new Set<string>()): Set<string> {
  for (const { resource = '', rootModule, modules: inner } of modules) {
    const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(resource.replaceAll('\\', '/')) ?? []
    if (folder) folders.add(folder)
    if (rootModule) packageFolders([rootModule], folders)
    if (inner) packageFolders(inner, folders)
  }
  return folders
}

/**
 * The text of licenses.txt: name, licence and its text for each package, in alphabetical order.
 *
 * @throws {Error} if a package has no licence
 */
export function licenseText(folders: Iterable<string>): string {
  const entries = [...folders].map((folder): [name: string, text: string] => {
    const { name, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (typeof license !== 'string') throw new Error(`${name} names no licence in its package.json`)
    return [name, [name, license, licenseFile(folder) ?? `(${name} has no licence file)`].join('\n')]
  })
  const byName = new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  return `${[...byName.values()].map((text) => text.trimEnd()).join('\n\n')}\n`
}

/** The licence's text: the package's own or, in a monorepo, that of a folder above it. */
function licenseFile(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined
  const name = readdirSync(folder).find((file) => /^(licen[cs]e|copying)(\.(md|txt))?$/i.test(file))
  if (name) return readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n')
  return dirname(folder).endsWith('node_modules') ? undefined : licenseFile(dirname(folder))
}
