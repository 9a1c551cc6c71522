// An installation's access token, as far as its form shows whether it can be one.

import { secretProblem } from '../payload/text-problems.ts'

/** What shows that a text is no token; never holds the value. */
export function tokenProblem(token: string): string | undefined {
  return (
    secretProblem(token) ??
    (/^[\x21-\x7e]+$/.test(token) ? undefined : 'holds a blank or a character that no token has')
  )
}
