// Refuses to test a dist/ that is out of date. Vitest runs it before the tests of this folder.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestFile, digestOfSources } from '../../scripts/build-digest.ts'

const root = join(import.meta.dirname, '..', '..')

/** Returns a sentence if the tests would not run what the sources are, or undefined. */
export function buildProblem(root: string, entry: string | undefined): string | undefined {
  if (entry === 'src') return undefined
  if (entry) return `ACTION_ENTRY is "${entry}". Set it to src to test the sources, or unset it to test dist/.`
  const file = join(root, 'dist', digestFile)
  const isCurrent = existsSync(file) && readFileSync(file, 'utf8').trim() === digestOfSources(root)
  if (isCurrent) return undefined
  return 'dist/ is not what src/ builds to. Run `npm run build`, or test the sources with ACTION_ENTRY=src.'
}

export default function setup(): void {
  const problem = buildProblem(root, process.env.ACTION_ENTRY)
  if (problem !== undefined) throw new Error(problem)
}
