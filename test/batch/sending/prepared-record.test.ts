import { describe, expect, test } from 'vitest'
import { prepareRecord, RecordScrubber, sentEvent } from '../../../src/batch/sending/prepared-record.ts'
import { invoice, readOne } from '../records.ts'

const token = 'vct_token-of-installation-1'
const proxyPassword = 'pass-of-proxy'

function sentEventOf(fields: object) {
  const { record, errors } = readOne('submitInvoice', { id: 'r-1', token, ...invoice, ...fields })
  if (!record) throw new Error(errors.join())
  const prepared = prepareRecord(record, { id: 'r-1', digest: 'd' }, 'auto', new RecordScrubber([proxyPassword]))
  return sentEvent(prepared, new Date(0), { isResumed: false, hadNewToken: false })
}

test('a sent line keeps the key and the request of a record as they are', () => {
  const event = sentEventOf({ externalId: 'invoice-1', memo: 'é "x"' })
  expect(event.externalId).toBe('invoice-1')
  expect(event.request).toEqual({ ...invoice, externalId: 'invoice-1', memo: 'é "x"' })
})

test.each([
  ['token', token],
  ["proxy's password", proxyPassword],
])('a sent line shows no %s that is part of the key or of the request', (_, secret) => {
  const event = sentEventOf({ externalId: `key-${secret}`, memo: `see "${secret}"` })
  expect(event.externalId).toBe('key-***')
  expect(event.request).toContain('"memo":"see \\"***\\""')
  expect(JSON.stringify(event)).not.toContain(secret)
})

test('a secret at the place where a long request is cut off is not shown', () => {
  for (let length = 1500; length < 1900; length += 7) {
    const event = sentEventOf({ memo: `${'x'.repeat(length)}${token}${'y'.repeat(500)}` })
    expect(String(event.request).length).toBeLessThan(2100)
    expect(event.request).not.toContain(token.slice(0, 8))
  }
})

describe('the secrets of records that share a token', () => {
  const scrubber = new RecordScrubber([proxyPassword])
  const plain = { token, secrets: [] }
  const own = { token, secrets: ['hunter2-of-record'] }
  const text = `hunter2-of-record, issued-token-1, ${token}, ${proxyPassword}`

  test('are removed from the texts of their record only', () => {
    for (let turn = 0; turn < 2; turn++) {
      expect(scrubber.scrub(text, plain)).toBe('hunter2-of-record, issued-token-1, ***, ***')
      expect(scrubber.scrub(text, own)).toBe('***, issued-token-1, ***, ***')
      expect(scrubber.scrub(text, plain, 'issued-token-1')).toBe('hunter2-of-record, ***, ***, ***')
    }
  })

  test('are removed for any number of tokens', () => {
    const shown = Array.from({ length: 5001 }, (_, installation) =>
      scrubber.scrub(`token-${installation}-of-installation`, { token: `token-${installation}`, secrets: [] }),
    )
    expect(shown).toHaveLength(5001)
    expect(new Set(shown)).toEqual(new Set(['***-of-installation']))
  })
})
