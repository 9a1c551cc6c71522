import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Outputs, outputNames, writeOutputs } from '../../src/report/outputs.ts'
import { Secrets } from '../../src/secrets.ts'
import { testRunner } from '../test-runner.ts'
import { unicodeText } from '../unicode-text.ts'

function written(outputs: Outputs, ...values: string[]) {
  const secrets = new Secrets()
  secrets.add(values)
  const runner = testRunner()
  return { ...writeOutputs(runner, outputs, secrets), outputs: runner.outputs as Outputs }
}

const tokens = ['idToken', 'accessToken', 'refreshToken'] as const
const lines = outputNames.filter(
  (name) => name !== 'result' && name !== 'errorMessage' && !tokens.includes(name as never),
)

describe('an output is one line of visible text', () => {
  test.each(lines)('%s', (name) => {
    expect(written({ [name]: '\n::error::a\r\nb\u001b[31m\u0085\u202ec\u200bd\u2028e ##[error]' }).outputs[name]).toBe(
      ' · ::error::a · b [31m  c d e ## [error]',
    )
    expect(written({ [name]: '::error::a' }).outputs[name]).toBe(': :error::a')
  })

  test.each(lines)('%s, without secrets', (name) => {
    expect(written({ [name]: 'in_hunter2hunter2, HUNTER2%48UNTER2' }, 'hunter2hunter2').outputs[name]).toBe(
      'in_***, ***',
    )
  })

  test('of any characters', () => {
    const text = unicodeText()
    fc.assert(
      fc.property(fc.constantFrom(...lines), text, (name, value) => {
        expect(written({ [name]: value }).outputs[name]).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|^\s*::|##\[/u)
      }),
    )
  })

  test('but the result, which is JSON', () => {
    expect(written({ result: '"a\\nb"' }).outputs.result).toBe('"a\\nb"')
    // It has no secrets any more, and is not changed.
    expect(written({ result: '"##[hunter2]"' }, 'hunter2').outputs.result).toBe('"##[hunter2]"')
  })

  test('and one without a value is not written', () => {
    expect(written({ attempts: undefined as never, status: 'paid' })).toEqual({
      leftOut: [],
      outputs: { status: 'paid' },
    })
  })
})

describe('a status', () => {
  test.each(['paid', 'accepted', 'failed', 'refund_requested', 'suspended', 'partial'])(
    '%s stays, even as a secret',
    (word) => {
      expect(written({ status: word }, word).outputs.status).toBe(word)
    },
  )

  test('that is not known is redacted', () => {
    expect(written({ status: 'hunter2' }, 'hunter2', 'paid').outputs.status).toBe('***')
    expect(written({ status: 'paid hunter2' }, 'hunter2').outputs.status).toBe('paid ***')
  })
})

describe('an error message', () => {
  test('keeps its lines, each of which is visible text', () => {
    expect(written({ errorMessage: 'one\r\n::error::two\n\u001b[31mhunter2' }, 'hunter2').outputs.errorMessage).toBe(
      'one\n: :error::two\n [31m***',
    )
  })

  test.each(['x', 'ü', '😀', 'hunter2 '])('of many %j is cut to 64 KiB, between characters', (text) => {
    for (const before of ['', 'a', 'ab', 'abc']) {
      const { errorMessage = '' } = written(
        { errorMessage: before + text.repeat(text.length > 2 ? 20_000 : 70_000) },
        'hunter2',
      ).outputs
      expect(Buffer.byteLength(errorMessage)).toBeLessThanOrEqual(65_536)
      expect(Buffer.byteLength(errorMessage)).toBeGreaterThan(65_500)
      expect(errorMessage).toMatch(/ … \(cut\)$/)
      expect(errorMessage.isWellFormed() && !errorMessage.includes('\ufffd')).toBe(true)
      expect(errorMessage).not.toContain('hunt')
    }
  })

  test('of 64 KiB is whole', () => {
    expect(written({ errorMessage: 'x'.repeat(65_536) }).outputs.errorMessage).toBe('x'.repeat(65_536))
  })
})

describe('a token', () => {
  test.each(tokens)('is the exact value of %s', (name) => {
    const token = 'vct-"Ac8\\%41&amp;::##[x]'
    expect(written({ [name]: token }, token)).toEqual({ leftOut: [], outputs: { [name]: token } })
  })

  test.each(['two\nlines', 'a blank', 'ümlaut', 'zero\u200bwidth', '\u001b[0m', ' ', ''])('%j is left out', (token) => {
    expect(written({ accessToken: token, status: 'accepted' })).toEqual({
      leftOut: ['accessToken'],
      outputs: { status: 'accepted' },
    })
  })
})

test('an output that cannot be written keeps no other from being written', () => {
  const runner = testRunner()
  const setOutput = (name: string, value: string) => {
    if (name === 'status' || name === 'result') throw new Error('ENOSPC: no space left on device, write')
    runner.setOutput(name, value)
  }
  const { failure } = writeOutputs({ setOutput }, { status: 'paid', attempts: '1', result: 'null' }, new Secrets())
  expect(runner.outputs).toEqual({ attempts: '1' })
  expect(failure?.code).toBe('output_failed')
  expect(failure?.cause).toEqual(new Error('ENOSPC: no space left on device, write'))
  expect(failure?.message).toBe(
    'The outputs status, result could not be written: ENOSPC: no space left on device, write',
  )
})
