// Keys and files of age for tests.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { identitiesIn } from '../src/payload/age-key.ts'

/** Creates a key. */
export const newIdentity = (): Promise<string> => generateX25519Identity()

/** Encrypts a text to the public keys of identities, with the library itself. */
export async function encryptTo(identities: readonly string[], text: string | Buffer): Promise<Buffer> {
  const encrypter = new Encrypter()
  for (const identity of identities) encrypter.addRecipient(await identityToRecipient(identity))
  return Buffer.from(await encrypter.encrypt(text))
}

/** Encrypts a text with a passphrase. */
export async function encryptWithPassphrase(text: string): Promise<Buffer> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase('correct horse battery staple')
  encrypter.setScryptWorkFactor(2)
  return Buffer.from(await encrypter.encrypt(text))
}

/** The armoured form of an encrypted file. */
export const armored = (file: Buffer): string => armor.encode(file)

/** A file that was written by age itself: see test/payload/age-files. */
export const ageFile = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'payload', 'age-files', name))

/** The text of the key that opens the files of age, as age-keygen wrote it. */
export const ageFilesKey = ageFile('identity.txt').toString()

export const [ageFilesIdentity = ''] = identitiesIn(ageFilesKey)

/** What the files of age contain. */
export const ageFilesContent = '{"icfg_1": "token-of-one", "icfg_2": "token-of-two"}\n'
