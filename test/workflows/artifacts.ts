// Simulates actions/upload-artifact v7 and actions/download-artifact v8, with a folder as the storage of each run.

import { cpSync, existsSync, globSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, matchesGlob, relative, resolve } from 'node:path'

/** The artifacts of a run. */
export interface ArtifactStore {
  /** The id of the run. */
  readonly id: number
  /** The attempt that is running, or was the last one. */
  readonly attempt: number
  /** The folder with the artifacts: one folder for each, with its name. */
  readonly artifacts: string
  /** The attempt in which each artifact was uploaded. */
  readonly uploads: Map<string, number>
}

/** What a job knows when it uploads or downloads. */
export interface ArtifactAccess {
  readonly workspace: string
  readonly store: ArtifactStore
  /** Every run of the repository. */
  readonly runs: readonly ArtifactStore[]
  readonly canReadActions: boolean
}

/** The deepest folder that contains all files. */
function commonFolder(files: readonly string[]): string {
  const inside = (folder: string) => files.every((file) => file.startsWith(`${folder}/`))
  let folder = dirname(files[0] ?? '/')
  while (!inside(folder)) folder = dirname(folder)
  return folder
}

const filesIn = (path: string): string[] =>
  statSync(path).isDirectory()
    ? globSync('**/*', { cwd: path })
        .map((file) => join(path, file))
        .filter((file) => statSync(file).isFile())
    : [path]

/**
 * Stores files as an artifact. A folder is stored with its content, several paths below the folder that contains all.
 *
 * @throws {Error} if an artifact of this run has the name, also of an earlier attempt, and it is not overwritten, or if
 *                 there are no files and `if-no-files-found` is `error`
 */
export function upload(inputs: Record<string, string>, { workspace, store }: ArtifactAccess): void {
  const { name = 'artifact', path = '', 'retention-days': days = '0' } = inputs
  if (/["<>|*?:/\\]/.test(name)) throw new Error(`${name} is not a name of an artifact`)
  if (!/^\d+$/.test(days)) throw new Error(`retention-days is not a number: ${days}`)
  const target = join(store.artifacts, name)
  if (existsSync(target) && inputs.overwrite !== 'true') throw new Error(`the artifact ${name} exists already`)
  const paths = path.trim().split('\n')
  const found = paths.flatMap((pattern) => globSync(resolve(workspace, pattern.trim())))
  const files = found.flatMap(filesIn)
  if (files.length === 0) {
    if (inputs['if-no-files-found'] === 'error') throw new Error(`no file matches ${path}`)
    return
  }
  const [only = ''] = found
  const base = found.length === 1 && statSync(only).isDirectory() ? only : commonFolder(files)
  rmSync(target, { recursive: true, force: true })
  for (const file of files) cpSync(file, join(target, relative(base, file)))
  store.uploads.set(name, store.attempt)
}

/**
 * Fetches the artifact with a name into a folder, or all that match a pattern, each into a folder of its own below it. If
 * only one matches, or with `merge-multiple`, it has no folder of its own. Without `run-id` and `github-token` only
 * artifacts of this attempt are certain to be found.
 *
 * @returns false if there is no such run, or no artifact with this name
 * @throws {Error} if the token of the job may not read artifacts of runs
 */
export function download(inputs: Record<string, string>, access: ArtifactAccess): boolean {
  const { name, pattern = '*', path = '.' } = inputs
  const target = resolve(access.workspace, path)
  const { folder, names } = visibleArtifacts(inputs, access)
  if (name !== undefined) {
    if (!names.includes(name)) return false
    cpSync(join(folder, name), target, { recursive: true })
    return true
  }
  if (folder === '') return false
  const matches = names.filter((one) => matchesGlob(one, pattern))
  const isFlat = matches.length === 1 || inputs['merge-multiple'] === 'true'
  for (const one of matches) cpSync(join(folder, one), isFlat ? target : join(target, one), { recursive: true })
  return true
}

function visibleArtifacts(inputs: Record<string, string>, { store, runs, canReadActions }: ArtifactAccess) {
  const token = inputs['github-token'] ?? ''
  const run = token === '' ? store : runs.find(({ id }) => String(id) === inputs['run-id'])
  if (token !== '' && !canReadActions) throw new Error('the token of the job lacks the permission actions: read')
  if (!run) return { folder: '', names: [] }
  const names = existsSync(run.artifacts) ? readdirSync(run.artifacts) : []
  const isVisible = (name: string) => token !== '' || run.uploads.get(name) === run.attempt
  return { folder: run.artifacts, names: names.filter(isVisible) }
}
