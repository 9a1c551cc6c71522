// The format of an installation's access token.

import { secretProblem } from '../payload/text-problems.ts'

const alone = 'Pass the token alone'

/**
 * Says what shows that a text cannot be an access token.
 *
 * @returns a clause that follows the token's name, and never contains the value; undefined if the text may be a token
 */
export function tokenProblem(token: string): string | undefined {
  const problem = secretProblem(token)
  if (problem !== undefined) return problem
  if (token.startsWith('\ufeff')) return 'begins with a byte order mark. Save its file without it'
  if (/^bearer\s/i.test(token)) return `contains a space. ${alone}, without "Bearer "`
  if (/\s/.test(token)) return `contains a space. ${alone}`
  return /^[\x21-\x7e]+$/.test(token) ? undefined : `contains a character that is not ASCII. ${alone}`
}
