// What actions/upload-artifact and actions/download-artifact do, with a folder for GitHub's store.

import { cpSync, existsSync, globSync, readdirSync } from 'node:fs'
import { basename, join, matchesGlob } from 'node:path'

interface Places {
  readonly artifacts: string
  readonly workspace: string
}

/** Keeps a file under a name that nothing has been kept under. */
export function upload(inputs: Record<string, string>, { artifacts, workspace }: Places): void {
  const { name = 'artifact', path = '' } = inputs
  if (existsSync(join(artifacts, name))) throw new Error(`the artifact ${name} is there already`)
  const files = globSync(path, { cwd: workspace })
  if (files.length === 0 && inputs['if-no-files-found'] === 'error') throw new Error(`there is no ${path}`)
  for (const file of files) cpSync(join(workspace, file), join(artifacts, name, basename(file)))
}

/** Fetches one artifact by its name, or into a folder each those whose names match a pattern. Whether it went well. */
export function download(inputs: Record<string, string>, { artifacts, workspace }: Places): boolean {
  const { name, pattern = '*', path = '.' } = inputs
  const target = join(workspace, path)
  if (name !== undefined) {
    if (!existsSync(join(artifacts, name))) return false
    cpSync(join(artifacts, name), target, { recursive: true })
    return true
  }
  for (const one of readdirSync(artifacts).filter((one) => matchesGlob(one, pattern)))
    cpSync(join(artifacts, one), join(target, one), { recursive: true })
  return true
}
