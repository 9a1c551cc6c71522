import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAgeFile, secretsInKey } from '../../src/payload/age-format.ts'
import { ageKeyProblem, identitiesIn, readAgeKey } from '../../src/payload/age-key.ts'
import { Secrets } from '../../src/secrets.ts'
import { ageFilesIdentity, ageFilesKey, newIdentity } from '../age.ts'

const identity = await newIdentity()
const publicKey = `age1${'q'.repeat(58)}`

test('a key is what age-keygen writes: identities, comments and blank lines', () => {
  expect(ageKeyProblem(ageFilesKey)).toBeUndefined()
  expect(identitiesIn(ageFilesKey)).toEqual([ageFilesIdentity])
  const key = `# new\r\n${identity}\r\n\r\n# old\r\n  ${ageFilesIdentity} \r\n${identity}`
  expect(ageKeyProblem(key)).toBeUndefined()
  expect(identitiesIn(key)).toEqual([identity, ageFilesIdentity])
})

test.each<[what: string, text: string, problem: string]>([
  [
    'only comments',
    `# public key: ${publicKey}`,
    'contains no identity: give the line of age-keygen that begins with AGE-SECRET-KEY-1',
  ],
  [
    'a public key',
    publicKey,
    'is a public key (age1…), which only encrypts: give the identity that belongs to it, which begins with AGE-SECRET-KEY-1',
  ],
  [
    'a public key beside an identity',
    `${identity}\n# and\n${publicKey}`,
    'line 3 is a public key (age1…), which only encrypts: give the identity that belongs to it, which begins with AGE-SECRET-KEY-1',
  ],
  [
    'an identity in lower case',
    identity.toLowerCase(),
    'is in lower case: give the identity in upper case, as age-keygen writes it',
  ],
  [
    'an incomplete identity',
    identity.slice(0, -1),
    'is not a complete identity: copy its whole line from the file of age-keygen',
  ],
  [
    'a line break within an identity',
    `${identity.slice(0, 40)}\n${identity.slice(40)}`,
    'line 1 is not a complete identity: copy its whole line from the file of age-keygen',
  ],
  [
    "a plugin's identity after other text",
    'key: AGE-PLUGIN-YUBIKEY-1QQQQQQ',
    'is not an age identity: give one that begins with AGE-SECRET-KEY-1, or create an identity with age-keygen',
  ],
  [
    'a PEM key after other text',
    'key: -----BEGIN PRIVATE KEY-----',
    'is not an age identity: give one that begins with AGE-SECRET-KEY-1, or create an identity with age-keygen',
  ],
  [
    'an SSH key after other text',
    'key: ssh-ed25519 AAAA',
    'is not an age identity: give one that begins with AGE-SECRET-KEY-1, or create an identity with age-keygen',
  ],
  ['an identity before other text', `${identity} # new`, 'has other text beside the identity: give it alone'],
  ['an identity in quotes', `"${identity}"`, 'has other text beside the identity: give it alone'],
  [
    'two identities in one line',
    `${identity} ${ageFilesIdentity}`,
    'contains several identities: put each on a line of its own',
  ],
  [
    'an escaped line break',
    `${identity}\\n${ageFilesIdentity}`,
    'contains several identities: put each on a line of its own',
  ],
  [
    "a plugin's identity",
    'AGE-PLUGIN-YUBIKEY-1QQQQQQ',
    'belongs to a plugin of age, which does not run here: create an identity with age-keygen',
  ],
  [
    'an SSH key',
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----',
    'line 1 is an SSH or PEM key: create an identity with age-keygen',
  ],
  [
    'an encrypted key file',
    '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----',
    'line 1 is a key file that is encrypted itself: decrypt it with age -d, and give the identity in it',
  ],
  [
    'something else',
    'hunter2-hunter2',
    'is not an age identity: give one that begins with AGE-SECRET-KEY-1, or create an identity with age-keygen',
  ],
])('%s: the problem says what to do', (_, text, problem) => {
  expect(ageKeyProblem(text)).toBe(problem)
})

test('the input `tokens-key` is read, or refused by its name', () => {
  expect(readAgeKey(ageFilesKey)).toEqual([ageFilesIdentity])
  const message =
    'Input `tokens-key` is a public key (age1…), which only encrypts: give the identity that belongs to it, which begins with AGE-SECRET-KEY-1'
  expect(() => readAgeKey(publicKey)).toThrow(expect.objectContaining({ code: 'invalid_input', message }))
})

test('identities are secret wherever they are in the text, and public keys and comments are not', () => {
  expect(secretsInKey(ageFilesKey)).toContain(ageFilesIdentity)
  const secrets = new Secrets()
  secrets.add(
    secretsInKey(
      `# created: today\n# public key: ${publicKey}\n${publicKey}\n# old ${identity}\n"${ageFilesIdentity}"`,
    ),
  )
  const comment = `# created: today, ${publicKey}`
  expect(secrets.scrub(comment)).toBe(comment)
  for (const spelling of [
    identity,
    identity.toLowerCase(),
    Buffer.from(identity).toString('base64'),
    ageFilesIdentity,
  ]) {
    expect(secrets.scrub(`<${spelling}>`)).toBe('<***>')
  }
})

test('no problem contains a part of the key, and what is pasted by mistake is secret', () => {
  const damage = fc.constantFrom<(key: string) => string>(
    (key) => key.slice(0, 40),
    (key) => key.slice(5),
    (key) => `key: ${key}`,
    (key) => `${key}x`,
    (key) => key.toLowerCase(),
    (key) => `\n\n${key} ${key}`,
    (key) => key.replace('AGE-SECRET-KEY-', ''),
  )
  fc.assert(
    fc.property(damage, (change) => {
      const text = change(identity)
      const problem = ageKeyProblem(text) ?? ''
      expect(problem).not.toBe('')
      for (let at = 17; at + 8 < identity.length; at++) {
        expect(problem.toUpperCase()).not.toContain(identity.slice(at, at + 8))
      }
      const secrets = new Secrets()
      secrets.add(secretsInKey(text))
      expect(secrets.scrub(text).toUpperCase()).not.toContain(identity.slice(20, 30))
    }),
  )
})

test.each(['', '{}', 'age', '# age-encryption.org/v1', '-----BEGIN PGP MESSAGE-----\n'])(
  '%j is not an age file',
  (text) => {
    expect(isAgeFile(Buffer.from(text))).toBe(false)
  },
)
