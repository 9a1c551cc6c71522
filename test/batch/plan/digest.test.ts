// The digest of a batch: what changes it, what does not, and what `expect-digest` lets through.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../../runs.ts'
import { batchScene, billOf, linesOf } from './batch-step.ts'

const records = [billOf('icfg_1', '1.00'), billOf('icfg_2', '2.00'), billOf('icfg_1', '3.00', { id: 'a' })]

async function digestScene() {
  const { run } = await batchScene()
  return async (content: string | readonly object[], inputs: Record<string, string> = {}) => {
    const { outputs, errors } = await run(content, { 'dry-run': 'true', ...inputs })
    expect(errors).toEqual([])
    expect(outputs.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    return outputs.digest
  }
}

test('shard, concurrency, guards and journals do not change the digest, and neither does the run', async () => {
  const { run } = await batchScene()
  const { outputs } = await run(records, { 'dry-run': 'true' })
  const variants = [{ shard: '1/2' }, { shard: '2/2', concurrency: '1' }, { 'max-total': '10.00' }]
  for (const inputs of variants) {
    expect((await run(records, { 'dry-run': 'true', ...inputs })).outputs.digest).toBe(outputs.digest)
  }
  expect((await run(records)).outputs).toMatchObject({ digest: outputs.digest, succeeded: '3' })
  expect((await run(records)).outputs).toMatchObject({ digest: outputs.digest, skipped: '3' })
})

/** The same JSON value with its fields in another order, and with blanks. */
const respelled = (value: object, seed: number) => {
  const shuffle = (_: string, entry: unknown): unknown => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry
    const fields = Object.entries(entry)
    return Object.fromEntries([...fields.slice(seed % fields.length), ...fields.slice(0, seed % fields.length)])
  }
  const text = JSON.stringify(value, shuffle)
  return seed % 2 === 0 ? text : text.replace(/^\{/, '{ \t').replace(/\}$/, '  }')
}

test('the order of fields, blanks, blank lines and line endings do not change the digest', async () => {
  const digestOf = await digestScene()
  const digest = await digestOf(records)
  const spelling = fc.array(fc.nat(20), { minLength: 3, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(spelling, fc.constantFrom('\n', '\r\n', '\n\n \n'), fc.boolean(), async (seeds, ending, bom) => {
      const lines = records.map((record, index) => respelled(record, seeds[index] as number))
      expect(await digestOf(`${bom ? '\ufeff' : ''}${lines.join(ending)}`)).toBe(digest)
    }),
    runs(10),
  )
})

test('content, order, ids, count, operation, API and the mode of external-id change the digest', async () => {
  const digestOf = await digestScene()
  const [first, second, third] = records as [object, object, object]
  const usage = {
    integrationConfigurationId: 'icfg_1',
    eod: billOf('', '1').period.end,
    period: billOf('', '1').period,
  }
  const digests = [
    await digestOf(records),
    await digestOf([first, second, { ...third, memo: 'x' }]),
    await digestOf([second, first, third]),
    await digestOf([first, second, { ...third, id: 'b' }]),
    await digestOf([first, second]),
    await digestOf([...records, { ...first, memo: 'again' }]),
    await digestOf(records, { 'api-url': 'https://api.vercel.com/base' }),
    await digestOf(records, { 'api-url': 'sandbox' }),
    await digestOf(records, { 'external-id': 'none' }),
    await digestOf([{ ...usage, billing: [], usage: [] }], { operation: 'submitBillingData' }),
  ]
  expect(new Set(digests).size).toBe(digests.length)
})

test('tokens do not change the digest of records without secrets, and a timestamp of now has no part in it', async () => {
  const digestOf = await digestScene()
  expect(await digestOf(records, { token: 'another-token' })).toBe(await digestOf(records))
  expect(await digestOf(records.map((record) => ({ ...record, token: 'own-token' })))).toBe(await digestOf(records))
  const usage = {
    integrationConfigurationId: 'icfg_1',
    eod: billOf('', '1').period.end,
    period: billOf('', '1').period,
  }
  const data = linesOf([{ ...usage, billing: [], usage: [] }])
  const inputs = { operation: 'submitBillingData' }
  expect(await digestOf(data, inputs)).toBe(await digestOf(data, inputs))
})

test('a record with secrets has another digest with another token or another value', async () => {
  const { run } = await batchScene()
  const digestOf = async (value: string, token: string) => {
    const record = {
      integrationConfigurationId: 'icfg_1',
      resourceId: 'db',
      partial: true,
      secrets: [{ name: 'A', value }],
    }
    const inputs = { operation: 'updateResourceSecretsById', 'dry-run': 'true', token }
    return (await run([record], inputs)).outputs.digest
  }
  const digests = [
    await digestOf('value-one', 'token-one'),
    await digestOf('value-two', 'token-one'),
    await digestOf('value-one', 'token-two'),
  ]
  expect(new Set(digests).size).toBe(3)
  expect(await digestOf('value-one', 'token-one')).toBe(digests[0])
})

test('a batch is sent only with the digest of its plan; otherwise both are shown', async () => {
  const { run, server } = await batchScene()
  const { outputs } = await run(records, { 'dry-run': 'true' })
  const expected = { 'expect-digest': outputs.digest ?? '' }
  const changed = await run([...records, billOf('icfg_9', '9.00')], expected)
  expect(changed.outputs).toMatchObject({ errorCode: 'digest_mismatch', status: 'failed' })
  expect(changed.errors).toHaveLength(1)
  expect(changed.errors[0]).toContain(outputs.digest)
  expect(changed.errors[0]).toContain(changed.outputs.digest)
  expect(changed.outputs.digest).not.toBe(outputs.digest)
  expect(server.arrivals).toEqual([])

  const approved = await run(records, expected)
  expect(approved.outputs).toMatchObject({ status: 'succeeded', digest: outputs.digest })
  expect(server.arrivals).toHaveLength(3)
})
