// The files of a batch, and which of them should be encrypted.

import { closeSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileInputs, openFiles } from '../../src/batch/open-files.ts'
import { readAgeKey } from '../../src/payload/age-key.ts'
import { encryptTo, newIdentity } from '../age.ts'
import { testBatchInputs } from './batch-runner.ts'
import { newFolder } from './files.ts'

const identity = await newIdentity()
const plain = '{"icfg_1": "token-of-one"}\n'
const encrypted = await encryptTo([identity], plain)

/** Opens files of a workspace, each plain or encrypted. */
async function opened(inputs: Partial<FileInputs>) {
  const workspace = newFolder()
  writeFileSync(join(workspace, 'plain'), plain)
  writeFileSync(join(workspace, 'encrypted'), encrypted)
  const sources = { env: { TOKEN: 'from-env' }, workspace, now: () => new Date('2025-03-15T12:00:00Z') }
  const { file, warnings } = await openFiles(
    { ...testBatchInputs('submitInvoice'), tokensKey: readAgeKey(identity), path: 'plain', ...inputs },
    sources,
  )
  if (typeof file.source === 'number') closeSync(file.source)
  return { file, messages: warnings.map(({ message, ...rest }) => (Object.keys(rest).length > 0 ? rest : message)) }
}

const fix = 'is not encrypted, although `tokens-key` is set: encrypt it (age -r age1…), or remove `tokens-key`'
const plainNewTokens =
  'new-tokens-file "plain" is not encrypted, although `tokens-key` is set: the batch keeps its tokens, and encrypts the file. Delete other copies of it'

test.each<[Partial<FileInputs>, messages: readonly string[]]>([
  [{ tokensKey: undefined }, []],
  [{ tokensKey: undefined, tokensFile: 'plain', newTokensFile: 'plain' }, []],
  [{}, [`the batch file "plain" ${fix}`]],
  [{ path: 'encrypted' }, []],
  [{ tokensFile: 'plain' }, [`tokens-file "plain" ${fix}`]],
  [{ tokensFile: 'encrypted' }, []],
  [{ newTokensFile: 'plain' }, [plainNewTokens]],
  [{ newTokensFile: 'encrypted' }, []],
  [{ newTokensFile: 'missing' }, []],
  [{ tokensFile: 'plain', newTokensFile: 'plain' }, [`tokens-file "plain" ${fix}`, plainNewTokens]],
])('the warnings about files of %j', async (inputs, messages) => {
  expect((await opened(inputs)).messages).toEqual(messages)
})

test('records are read with the tokens, and with the environment and time of the step', async () => {
  const { file } = await opened({ tokensFile: 'encrypted', token: 'for-others', externalId: 'none' })
  expect(file.path).toBe('plain')
  expect(file.context).toMatchObject({
    tokens: new Map([['icfg_1', 'token-of-one']]),
    defaultToken: 'for-others',
    externalId: 'none',
  })
  expect(file.context.shape.operation.name).toBe('submitInvoice')
  expect(file.newCheck()).toMatchObject({ env: { TOKEN: 'from-env' }, now: new Date('2025-03-15T12:00:00Z') })
})
