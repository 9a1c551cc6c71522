// Simulates actions/upload-artifact and actions/download-artifact, with a folder as the storage.

import { cpSync, existsSync, globSync, readdirSync } from 'node:fs'
import { basename, join, matchesGlob, resolve } from 'node:path'

interface Places {
  readonly artifacts: string
  readonly workspace: string
}

/**
 * Stores files as an artifact.
 *
 * @throws {Error} if an artifact with this name exists, or if there are no files and `if-no-files-found` is `error`
 */
export function upload(inputs: Record<string, string>, { artifacts, workspace }: Places): void {
  const { name = 'artifact', path = '' } = inputs
  if (existsSync(join(artifacts, name))) throw new Error(`the artifact ${name} exists already`)
  const files = globSync(path.trim().split('\n'), { cwd: workspace })
  if (files.length === 0 && inputs['if-no-files-found'] === 'error') throw new Error(`no file matches ${path}`)
  for (const file of files) cpSync(resolve(workspace, file), join(artifacts, name, basename(file)))
}

/**
 * Fetches the artifact with a name, or all that match a pattern, each into a folder of its own.
 *
 * @returns false if there is no artifact with this name
 */
export function download(inputs: Record<string, string>, { artifacts, workspace }: Places): boolean {
  const { name, pattern = '*', path = '.' } = inputs
  const target = resolve(workspace, path)
  if (name !== undefined) {
    if (!existsSync(join(artifacts, name))) return false
    cpSync(join(artifacts, name), target, { recursive: true })
    return true
  }
  for (const one of readdirSync(artifacts).filter((one) => matchesGlob(one, pattern)))
    cpSync(join(artifacts, one), join(target, one), { recursive: true })
  return true
}
