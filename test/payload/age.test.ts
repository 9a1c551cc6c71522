import { generateHybridIdentity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decrypt, prepareEncryption } from '../../src/payload/age.ts'
import { isAgeFile } from '../../src/payload/age-format.ts'
import {
  ageFile,
  ageFilesContent,
  ageFilesIdentity,
  armored,
  encryptTo,
  encryptWithPassphrase,
  newIdentity,
} from '../age.ts'
import { runs } from '../runs.ts'

const encrypt = async (text: Buffer, identities: readonly string[]) => (await prepareEncryption(identities))(text)

const identity = await newIdentity()
const other = await newIdentity()
const [recipient, otherRecipient] = await Promise.all([identity, other].map((key) => identityToRecipient(key)))
const content = Buffer.from('{"icfg_1": "token-of-one"}')
const file = await encryptTo([identity], content)

test('what was encrypted is decrypted, in binary and armoured, with LF or CRLF, whatever its length', async () => {
  // The library encrypts chunks of 64 KiB.
  const length = fc.oneof(fc.nat(300), fc.constantFrom(65_535, 65_536, 65_537, 131_072, 200_000))
  await fc.assert(
    fc.asyncProperty(length, fc.nat(255), fc.boolean(), async (bytes, start, isWindows) => {
      const plain = Buffer.alloc(bytes, `${start} any content `)
      const encrypted = await encrypt(plain, [other, identity])
      expect(isAgeFile(encrypted)).toBe(true)
      expect((await decrypt(encrypted, [identity])).equals(plain)).toBe(true)
      const text = armored(encrypted)
      const written = Buffer.from(isWindows ? `\ufeff\r\n${text.replaceAll('\n', '\r\n')}` : text)
      expect(isAgeFile(written)).toBe(true)
      expect((await decrypt(written, [identity])).equals(plain)).toBe(true)
    }),
    runs(8),
  )
})

test('each identity opens a file that is encrypted to all of them, and so does the second of a key', async () => {
  const encrypted = await encrypt(content, [identity, other])
  for (const key of [[identity], [other], [await newIdentity(), other]]) {
    expect(await decrypt(encrypted, key)).toEqual(content)
  }
  const postQuantum = await generateHybridIdentity()
  expect(await decrypt(await encrypt(content, [postQuantum]), [postQuantum])).toEqual(content)
})

test.each(['binary.age', 'armored.age'])('%s, which age wrote, is opened', async (name) => {
  expect(isAgeFile(ageFile(name))).toBe(true)
  expect(String(await decrypt(ageFile(name), [ageFilesIdentity]))).toBe(ageFilesContent)
})

const damagedMessage =
  'it is encrypted with age, but damaged or incomplete: copy it again, in binary, or encrypt it again'

test('a file that is cut off anywhere, or has a wrong byte in its content, is damaged', async () => {
  const header = file.indexOf('\n---') + 1
  for (let length = header; length < file.length; length += 3) {
    await expect(decrypt(file.subarray(0, length), [identity])).rejects.toThrow(new Error(damagedMessage))
  }
  for (let at = header; at < file.length; at++) {
    const changed = Buffer.from(file)
    changed[at] = (changed[at] ?? 0) ^ 1
    await expect(decrypt(changed, [identity])).rejects.toThrow(new Error(damagedMessage))
  }
  const text = armored(file)
  for (const part of [text.slice(0, -40), text.replace('-----END', '-----EN'), text.replace(/\n.{8}/, '\n')]) {
    await expect(decrypt(Buffer.from(part), [identity])).rejects.toThrow(damagedMessage)
  }
  // An editor or a shell has replaced what is not text.
  await expect(decrypt(Buffer.from(file.toString('utf8')), [identity])).rejects.toThrow(damagedMessage)
})

const fix = `encrypt it to the public key of \`tokens-key\` (age -r ${recipient})`
test.each<[what: string, encrypted: () => Promise<Buffer> | Buffer, message: string]>([
  [
    'to another public key',
    () => encryptTo([other], content),
    `it is encrypted to other public keys than that of \`tokens-key\`: give the identity that belongs to it, or ${fix}`,
  ],
  [
    'with a passphrase',
    () => encryptWithPassphrase('x'),
    `it is encrypted with a passphrase, which a step cannot enter: ${fix}`,
  ],
  [
    "to an SSH key and a plugin's key",
    async () => {
      const text = (await encryptTo([identity, other], content)).toString('latin1')
      return Buffer.from(text.replace('X25519', 'ssh-rsa').replace('X25519', 'piv-p256'), 'latin1')
    },
    `it is encrypted to an SSH key: ${fix}`,
  ],
  ['to an SSH key', () => ageFile('ssh.age'), `it is encrypted to an SSH key: ${fix}`],
  [
    "to a plugin's key",
    () => Buffer.from(file.toString('latin1').replace('X25519', 'piv-p256'), 'latin1'),
    `it is encrypted to a key of another kind: ${fix}`,
  ],
  [
    "to a plugin's key, which an argument follows that looks like a key",
    () => Buffer.from(file.toString('latin1').replace('X25519', 'piv-p256 -> X25519'), 'latin1'),
    `it is encrypted to a key of another kind: ${fix}`,
  ],
])('a file that is encrypted %s is refused with what to do', async (_, encrypted, message) => {
  await expect(decrypt(await encrypted(), [identity])).rejects.toThrow(new Error(message))
})

test('the fix names the public keys of all identities', async () => {
  const encrypted = await encryptTo([await newIdentity()], content)
  await expect(decrypt(encrypted, [identity, other])).rejects.toThrow(`(age -r ${recipient} -r ${otherRecipient})`)
})

test('the fix names three public keys at most, and no post-quantum one, which is too long', async () => {
  const encrypted = await encryptTo([await newIdentity()], content)
  const fixFor = (identities: readonly string[]) =>
    decrypt(encrypted, identities).then(
      () => undefined,
      (error: Error) => /or (encrypt it .*)$/.exec(error.message)?.[1],
    )
  const plain = 'encrypt it to the public key of `tokens-key`'
  const hybrid = await generateHybridIdentity()
  expect(await fixFor([hybrid])).toBe(plain)
  const shown = `-r ${recipient} -r ${otherRecipient} -r ${recipient}`
  expect(await fixFor([hybrid, identity, other, identity, other])).toBe(`${plain} (age ${shown})`)
})

test('a file for another post-quantum identity is one for another public key', async () => {
  const encrypted = await encryptTo([await generateHybridIdentity()], content)
  await expect(decrypt(encrypted, [identity])).rejects.toThrow('it is encrypted to other public keys')
})

test('an identity with a wrong character is refused by its number, without its text', async () => {
  const wrong = identity.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'))
  const message = 'identity 2 of `tokens-key` has a wrong character: copy its line again'
  await expect(decrypt(file, [identity, wrong])).rejects.toThrow(new Error(message))
  await expect(encrypt(content, [identity, wrong])).rejects.toThrow(new Error(message))
})

test('a prepared encryption takes no turn of the event loop, whatever the length', async () => {
  for (const bytes of [0, 100, 300_000]) {
    const prepared = await prepareEncryption([identity, other])
    let hasTurned = false
    setImmediate(() => {
      hasTurned = true
    })
    await prepared(Buffer.alloc(bytes, 'x'))
    expect(hasTurned).toBe(false)
  }
})
