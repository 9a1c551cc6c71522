// Checks the key of encrypted files. It is loaded only if a step has one.

import { Failure } from '../failure.ts'
import { type Identities, isAgeFile } from './age-format.ts'

/**
 * Reads the input `tokens-key`.
 *
 * @throws {Failure} if it is not a key; the message does not contain it
 */
export function readAgeKey(text: string): Identities {
  const problem = ageKeyProblem(text)
  if (problem !== undefined) throw new Failure('invalid_input', `Input \`tokens-key\` ${problem}`)
  return identitiesIn(text)
}

/** What age-keygen writes, for X25519 or the post-quantum hybrid: Bech32 of 32 bytes. */
const identityPattern = /^AGE-SECRET-KEY-(PQ-)?1[02-9AC-HJ-NP-Z]{58}$/

/** The identities in the text of a key, each once. */
export const identitiesIn = (text: string): Identities => [...new Set(keyLines(text).map(({ line }) => line))]

const publicKeyPattern = /^age1[0-9a-z]+$/i

/** The lines of a key that are neither blank nor a comment. Numbers are 1-based. */
const keyLines = (text: string) =>
  text
    .split(/\r?\n|\r/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))

/**
 * What is wrong with the text of a key, and the fix; undefined if it is one. It never contains a part of the text, and no
 * AGE-SECRET-KEY-1 before an ellipsis, which would be redacted as the beginning of a key.
 */
export function ageKeyProblem(text: string): string | undefined {
  const lines = keyLines(text)
  if (lines.length === 0) return 'contains no identity: give the line of age-keygen that begins with AGE-SECRET-KEY-1'
  const wrong = lines.find(({ line }) => !identityPattern.test(line))
  if (!wrong) return undefined
  return `${lines.length > 1 ? `line ${wrong.number} ` : ''}${identityProblem(wrong.line)}`
}

function identityProblem(line: string): string {
  if (publicKeyPattern.test(line))
    return 'is a public key (age1…), which only encrypts: give the identity that belongs to it, which begins with AGE-SECRET-KEY-1'
  if (isAgeFile(Buffer.from(line)))
    return 'is a key file that is encrypted itself: decrypt it with age -d, and give the identity in it'
  if (/^AGE-PLUGIN-/i.test(line)) return `belongs to a plugin of age, which does not run here: ${newIdentity}`
  if (/^-----BEGIN .*PRIVATE KEY|^ssh-/.test(line)) return `is an SSH or PEM key: ${newIdentity}`
  const identities = line.match(/AGE-SECRET-KEY-/gi)?.length ?? 0
  if (identities > 1) return 'contains several identities: put each on a line of its own'
  if (identities === 0) return `is not an age identity: give one that begins with AGE-SECRET-KEY-1, or ${newIdentity}`
  if (!/^AGE-SECRET-KEY-\S+$/i.test(line)) return 'has other text beside the identity: give it alone'
  if (line !== line.toUpperCase()) return 'is in lower case: give the identity in upper case, as age-keygen writes it'
  return 'is not a complete identity: copy its whole line from the file of age-keygen'
}

const newIdentity = 'create an identity with age-keygen'

/** The warning about a file that could be encrypted, and is not. @param name  of the file, as the step gives it */
export const notEncrypted = (name: string): string =>
  `${name} is not encrypted, although \`tokens-key\` is set: encrypt it (age -r age1…), or remove \`tokens-key\``
