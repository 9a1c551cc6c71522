// What files and keys of age look like. Opening and writing such files is in age.ts, which is loaded only if a step has one.
// See https://age-encryption.org/v1 and https://github.com/FiloSottile/age/blob/main/doc/age-keygen.1.ronn

const binaryStart = 'age-encryption.org/'
export const armorStart = '-----BEGIN AGE ENCRYPTED FILE-----'
export const armorEnd = '-----END AGE ENCRYPTED FILE-----'

/** Enough bytes for `isAgeFile`. */
export const ageStartBytes = 256

/** Whether a file is encrypted with age, in binary or armoured, by its first bytes. */
export const isAgeFile = (file: Buffer): boolean => startOf(file).startsWith(binaryStart) || isArmored(file)

/** Whether a file is text (base64), as `age --armor` writes it. */
export const isArmored = (file: Buffer): boolean => startOf(file).startsWith(armorStart)

/** Trimming also removes the byte order mark that some Windows editors write. */
const startOf = (file: Buffer) => file.toString('utf8', 0, ageStartBytes).trimStart()

/** The identities of a key: each opens the files that are encrypted to it. */
export type Identities = readonly string[]

/** What age-keygen writes, for X25519 or the post-quantum hybrid: Bech32 of 32 bytes. */
const identityPattern = /^AGE-SECRET-KEY-(PQ-)?1[02-9AC-HJ-NP-Z]{58}$/

/** The identities in the text of a key, each once. */
export const identitiesIn = (text: string): Identities => [...new Set(keyLines(text).map(({ line }) => line))]

/**
 * The secrets in the text of a key: its identities, also those in comments, and other text that may have been pasted there
 * by mistake. Comments and public keys are not secret.
 */
export const secretsInKey = (text: string): string[] => [
  ...(text.match(/AGE-SECRET-KEY-[\w-]+/gi) ?? []),
  ...keyLines(text).flatMap(({ line }) => (publicKeyPattern.test(line) ? [] : [line])),
]

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
  if (line.startsWith(binaryStart) || line.startsWith(armorStart))
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
