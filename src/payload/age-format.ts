// What files and keys of age look like, as far as every step has to know: opening and writing such files is in age.ts, and
// the check of a key in age-key.ts, which are loaded only if a step has one. See https://age-encryption.org/v1

/** Enough bytes for `isAgeFile`. */
export const ageStartBytes = 256

/** Whether a file is encrypted with age, in binary or armoured, by its first bytes. A byte order mark counts as a blank. */
export const isAgeFile = (file: Buffer): boolean =>
  /^\s*(age-encryption\.org|-----BEGIN AGE)/.test(file.toString('utf8', 0, ageStartBytes))

/** The identities of a key: each opens the files that are encrypted to it. */
export type Identities = readonly string[]

/**
 * The secrets in the text of a key: its identities, also those in comments, and other text that may have been pasted there
 * by mistake. Comments and public keys are not secret.
 */
export const secretsInKey = (text: string): string[] =>
  [/AGE-SECRET-KEY-[\w-]+/gi, /(?<=^[ \t]*)(?!#|age1)\S.*/gim].flatMap((secret) => text.match(secret) ?? [])

/** The largest encrypted payload or batch file, because all of its content is in memory. */
export const maxEncryptedBytes = 64 * 1024 * 1024
