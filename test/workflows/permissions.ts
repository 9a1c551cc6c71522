// The permissions of a job's GITHUB_TOKEN.
// https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows#supported-keywords-for-jobs-that-call-a-reusable-workflow

import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'
import { at, entriesOf } from './read.ts'

/** What a token may do: `read` or `write` by scope. A scope that is missing is `none`. */
export type Permissions = Readonly<Record<string, string>>

/** What the token of a workflow may do that does not say so, with GitHub's restricted default. */
export const defaultPermissions: Permissions = { contents: 'read', packages: 'read' }

/** The permissions that a workflow or a job declares; undefined if it declares none. */
export function permissionsOf(part: TemplateToken): Permissions | undefined {
  const declared = at(part, 'permissions')
  return declared && Object.fromEntries(entriesOf(declared).map(([scope, level]) => [scope, String(level)]))
}

const levels = ['none', 'read', 'write']

/** @throws {Error} if a called job asks for more than the calling job has: GitHub refuses the whole workflow */
export function requireWithin(asked: Permissions, given: Permissions): void {
  for (const [scope, level] of Object.entries(asked)) {
    const allowed = given[scope] ?? 'none'
    if (levels.indexOf(level) <= levels.indexOf(allowed)) continue
    throw new Error(`a nested job is requesting '${scope}: ${level}', but is only allowed '${scope}: ${allowed}'`)
  }
}
