// Opens and writes files that are encrypted with age (https://age-encryption.org/v1). The library is loaded with this file.

import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption'
import { ageStartBytes, type Identities } from './age-format.ts'

const armorStart = '-----BEGIN AGE ENCRYPTED FILE-----'
const armorEnd = '-----END AGE ENCRYPTED FILE-----'

/**
 * Opens a file that is encrypted with age, if there is a key.
 *
 * @param key  the identities of the input `tokens-key`
 * @returns its content, in memory
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export async function openAgeFile(file: Buffer, key: Identities | undefined): Promise<Buffer> {
  if (!key) throw new Error('it is encrypted with age: set `tokens-key` to the identity that opens it')
  return decrypt(file, key)
}

/**
 * Opens an encrypted file.
 *
 * @param identities  those of the input `tokens-key`
 * @returns its content, in memory
 * @throws {Error} whose message completes the sentence "… cannot be read: ", without a full stop
 */
export async function decrypt(encrypted: Buffer, identities: Identities): Promise<Buffer> {
  const decrypter = new Decrypter()
  for (const [index, identity] of identities.entries()) {
    withIdentity(index, () => decrypter.addIdentity(identity))
  }
  const file = binaryOf(encrypted)
  try {
    return await collect(await decrypter.decrypt(streamOf(file)))
  } catch (error) {
    if (String(error).includes('no identity matched')) throw new Error(await mismatch(file, identities))
    throw new Error(damagedFile)
  }
}

/** Encrypts one content. @returns the file, in binary; no turn of the event loop passes until then */
export type Encryption = (content: Buffer) => Promise<Buffer>

/**
 * Prepares the encryption of one file to the public keys of all identities. Its keys are made now, which takes turns of the
 * event loop.
 *
 * @throws {Error} if an identity is damaged, with a message as that of `decrypt`
 */
export async function prepareEncryption(identities: Identities): Promise<Encryption> {
  const encrypter = new Encrypter()
  for (const recipient of await recipientsOf(identities)) encrypter.addRecipient(recipient)
  let supply: (content: Buffer) => void = () => {}
  const content = new ReadableStream<Uint8Array>({
    start(controller) {
      supply = (bytes) => {
        controller.enqueue(bytes)
        controller.close()
      }
    },
  })
  const file = await encrypter.encrypt(content)
  return (bytes) => {
    supply(bytes)
    return collect(file)
  }
}

/** The public keys of identities, `age1…`. */
const recipientsOf = (identities: Identities): Promise<string[]> =>
  Promise.all(identities.map((identity, index) => withIdentity(index, () => identityToRecipient(identity))))

/** The library's own messages must not be shown: they can contain parts of the identity. */
function withIdentity<T>(index: number, use: () => T): T {
  const refuse = () => {
    throw new Error(`identity ${index + 1} of \`tokens-key\` has a wrong character: copy its line again`)
  }
  try {
    const result = use()
    return result instanceof Promise ? (result.catch(refuse) as T) : result
  } catch {
    return refuse()
  }
}

const damagedFile = 'it is encrypted with age, but damaged or incomplete: copy it again, in binary, or encrypt it again'

/**
 * Decodes an armoured file; a binary one is returned as it is. The library's own decoder takes ten times as long and as much
 * memory. It also checks the layout, which is not necessary: a change of the content, or a missing end, is found when it is
 * decrypted.
 */
function binaryOf(file: Buffer): Buffer {
  const start = file.subarray(0, ageStartBytes).indexOf(armorStart)
  if (start < 0) return file
  const end = file.lastIndexOf(armorEnd)
  return Buffer.from(file.toString('latin1', start + armorStart.length, end), 'base64')
}

/** Why no identity opens a file, by the kinds of keys that its header names. */
async function mismatch(file: Buffer, identities: Identities): Promise<string> {
  const [header = ''] = file.toString('latin1', 0, maxHeaderBytes).split('\n---')
  const kinds = new Set([...header.matchAll(/^-> (\S+)/gm)].map(([, kind = '']) => kind))
  const recipients = (await recipientsOf(identities)).filter((recipient) => recipient.length <= maxShownRecipientChars)
  const command = ['age', ...recipients.slice(0, 3).map((recipient) => `-r ${recipient}`)].join(' ')
  const fix = `encrypt it to the public key of \`tokens-key\`${recipients.length > 0 ? ` (${command})` : ''}`
  if (kinds.has('X25519') || kinds.has('mlkem768x25519')) {
    return `it is encrypted to other public keys than that of \`tokens-key\`: give the identity that belongs to it, or ${fix}`
  }
  if (kinds.has('scrypt')) return `it is encrypted with a passphrase, which a step cannot enter: ${fix}`
  if ([...kinds].some((kind) => kind.startsWith('ssh-'))) return `it is encrypted to an SSH key: ${fix}`
  return `it is encrypted to a key of another kind: ${fix}`
}

const maxHeaderBytes = 64 * 1024
/** That of a post-quantum identity has almost 2,000. */
const maxShownRecipientChars = 100

/** With a stream the library does not load Node's second HTTP client, of which it uses `Response`. */
const streamOf = (bytes: Uint8Array) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
