// The file of a report must not be one that the step needs: a report replaces what is at its path.

import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { placeOf } from '../../file-identity.ts'
import { findJournals } from '../journal/find-journals.ts'

/** The files that a step reads or writes besides its report, by the name of their input. */
export type OtherFiles = Readonly<Record<string, string | undefined>>

/**
 * @param reportFile  relative to the workspace, as the step gives it
 * @param files  paths
 * @param journals  paths or globs of journals, by the name of their input
 * @throws {Failure} if the report would replace a file that the step reads or writes
 */
export function requireOwnFile(
  reportFile: string,
  {
    workspace,
    files,
    journals,
    platform,
  }: {
    readonly workspace: string
    readonly files: OtherFiles
    readonly journals: Readonly<Record<string, readonly string[] | undefined>>
    readonly platform?: NodeJS.Platform
  },
): void {
  const place = placeOf(resolve(workspace, reportFile), platform)
  const found = Object.entries(journals).map(
    ([input, patterns]) => [input, patterns ? findJournals(patterns, workspace).paths : []] as const,
  )
  const others = Object.entries(files).map(([input, path]) => [input, path === undefined ? [] : [path]] as const)
  for (const [input, paths] of [...others, ...found]) {
    if (!paths.some((path) => placeOf(resolve(workspace, path), platform) === place)) continue
    const message = `Input \`report-file\` is the file of \`${input}\`, which the report would replace: give another path`
    throw new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
}
