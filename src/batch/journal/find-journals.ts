// Finds the journals that an input names.

import { existsSync, globSync } from 'node:fs'
import { resolve } from 'node:path'

export interface FoundJournals {
  /** Absolute paths, each once. A path that is not a glob is in the list even if there is no such file. */
  readonly paths: readonly string[]
  /** The globs that match nothing. */
  readonly unmatched: readonly string[]
}

/** @param patterns  paths or globs, relative to the workspace */
export function findJournals(patterns: readonly string[], workspace: string): FoundJournals {
  const paths = new Set<string>()
  const unmatched: string[] = []
  for (const pattern of patterns) {
    // The name of an existing file may contain brackets.
    const isGlob = /[*?[\]{}]/.test(pattern) && !existsSync(resolve(workspace, pattern))
    const matches = isGlob ? globSync(pattern, { cwd: workspace }) : [pattern]
    if (matches.length === 0) unmatched.push(pattern)
    for (const path of matches.sort()) paths.add(resolve(workspace, path))
  }
  return { paths: [...paths], unmatched }
}
