// The format of an installation's access token.

import { secretProblem } from '../payload/text-problems.ts'

/**
 * Says what shows that a text cannot be an access token.
 *
 * @returns a clause that follows the token's name, and never contains the value; undefined if the text may be a token
 */
export function tokenProblem(token: string): string | undefined {
  const problem = secretProblem(token)
  if (problem !== undefined) return problem
  if (/^bearer\s/i.test(token)) return 'contains a space. Pass the token alone, without "Bearer "'
  if (/\s/.test(token)) return 'contains a space. Pass the token alone'
  return /^[\x21-\x7e]+$/.test(token) ? undefined : 'contains a character that is not ASCII. Pass the token alone'
}
