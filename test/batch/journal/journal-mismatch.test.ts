// What a user reads if the batch file has other records than the journal.

import { describe, expect, test } from 'vitest'
import { explainMismatch, JournalMismatch, mismatchFailure } from '../../../src/batch/journal/journal-mismatch.ts'
import { newCheck } from '../../payload/checking.ts'
import { sent } from '../journals.ts'
import { invoice, recordContext } from '../records.ts'

const restore = 'Vercel recognizes only invoices whose `externalId` is still the same'

test('a journal with other records says what to do', () => {
  const failureOf = (hasNothingInCommon: boolean) =>
    mismatchFailure('j', new JournalMismatch([sent('a')], hasNothingInCommon), new Map())
  expect(failureOf(true).hint).toBe(
    `Use another \`journal-file\`. If it is the same batch with changed records, restore them instead: the batch would be sent again from the start, and ${restore}`,
  )
  expect(failureOf(false).hint).toBe(
    `Records may be added to a batch, but not changed or removed: restore them. With another \`journal-file\` the batch is sent again from the start, and ${restore}`,
  )
  expect(new JournalMismatch([], true).message).toBe('The journal belongs to another batch')
})

describe('a record that has changed', () => {
  /** What a failure says of records of a batch file whose lines are given. */
  function explain(name: 'submitInvoice' | 'updateResourceSecretsById', ids: readonly string[], ...lines: unknown[]) {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
    const file = {
      source: Buffer.from(text),
      path: 'batch.ndjson',
      context: recordContext(name),
      newCheck: () => newCheck({}),
    }
    const records = ids.map((id, index) => sent(id, { digest: 'old', line: index + 10, request: 'old' }))
    const { message, hint, diagnostics } = explainMismatch('j', new JournalMismatch(records, false), file)
    return { message, hint, lines: diagnostics.map((diagnostic) => diagnostic.message) }
  }

  test('is found in the batch file by its own id', () => {
    const other = { ...invoice, memo: 'new' }
    const lines = ['no JSON', { ...invoice }, { ...invoice, id: 'b' }, { ...other, id: 'a' }]
    const explained = explain('submitInvoice', ['a'], ...lines)
    expect(explained).toMatchObject({
      message: 'Records of the journal have changed, and nothing was sent',
      // Each record has its own.
      hint: '',
    })
    expect(explained.lines).toEqual([
      expect.stringMatching(
        /^the record "a" has changed: it was sent as old \(line 10 then\), and is \{.*"memo":"new".*\} now \(line 4\); give the new record its own id$/,
      ),
    ])
    expect(explain('submitInvoice', ['a', 'c'], ...lines).lines).toHaveLength(1)
    expect(explain('submitInvoice', ['c'], ...lines).message).toMatch(/^The journal "j" has 1 record that/)
  })

  test('is shown without its token and its secrets', () => {
    const record = {
      integrationConfigurationId: 'icfg_1',
      resourceId: 'token-of-record',
      secrets: [{ name: 'KEY', value: 'value-of-secret' }],
      partial: true,
    }
    const { lines } = explain('updateResourceSecretsById', ['a'], { ...record, id: 'a', token: 'token-of-record' })
    expect(lines).toEqual([expect.stringMatching(/and is \{.*"resourceId":"\*\*\*".*"name":"KEY".*\} now \(line 1\)/)])
    expect(lines.join()).not.toMatch(/token-of-record|value-of-secret/)
  })

  const excerpts = (before: string, after: string) => {
    const mismatch = new JournalMismatch([sent('a', { digest: 'old', request: before })], false)
    const { diagnostics } = mismatchFailure('j', mismatch, new Map([['a', { line: 1, request: after }]]))
    return /sent as (.*) \(line 1 then\), and is (.*) now \(line 1\)/.exec(diagnostics[0]?.message ?? '')?.slice(1)
  }
  const same = (length: number) => 'x'.repeat(length)

  test.each<[what: string, before: string, after: string, expected: [string, string]]>([
    ['whole, if it is short', 'ab', 'ac', ['ab', 'ac']],
    ['whole, if the new one goes on', 'ab', 'abc', ['ab', 'abc']],
    ['whole, if the difference is not shown', same(199), same(199), [same(199), same(199)]],
    ['from its start, if that differs', `${same(199)}a`, `${same(199)}b`, [`${same(199)}a`, `${same(199)}b`]],
    ['from shortly before a later difference', `${same(200)}a`, `${same(200)}b`, [`…${same(50)}a`, `…${same(50)}b`]],
    ['up to 300 characters', `a${same(299)}`, `b${same(300)}`, [`a${same(299)}`, `b${same(299)}…`]],
  ])('is shown %s', (_, before, after, expected) => {
    expect(excerpts(before, after)).toEqual(expected)
  })
})
