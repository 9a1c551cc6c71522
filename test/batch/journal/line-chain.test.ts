// The checksums of lines: what counts as complete, and what as changed.

import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { completeLine, endsWithSeal, LineChain } from '../../../src/batch/journal/line-chain.ts'

const hex = (checksum: number) => checksum.toString(16).padStart(8, '0')

test('each checksum covers its own line and all lines before it', () => {
  const chain = new LineChain()
  const first = crc32('{"a":1')
  const second = crc32('{"b":2', first)
  expect(chain.seal('{"a":1}')).toBe(`{"a":1,"crc":"${hex(first)}"}`)
  expect(chain.seal('{"b":2}')).toBe(`{"b":2,"crc":"${hex(second)}"}`)
})

test('a checksum has eight digits, also if it begins with zeros', () => {
  for (let number = 0; number < 2000; number++) {
    expect(new LineChain().seal(`{"a":${number}}`)).toMatch(/,"crc":"[0-9a-f]{8}"\}$/)
  }
})

describe('a line', () => {
  const lines = () => {
    const chain = new LineChain()
    return [chain.seal('{"a":1}'), chain.seal('{"b":2}')] as const
  }

  test('is valid in its place only', () => {
    const [first, second] = lines()
    const chain = new LineChain()
    expect([chain.check(first), chain.check(second)]).toEqual(['valid', 'valid'])
    expect(new LineChain().check(second)).toBe('wrong')
    expect(new LineChain().check(first.replace('1', '2'))).toBe('wrong')
  })

  test('of which the checksum was changed is wrong, and not one without a checksum', () => {
    const [first] = lines()
    const digits = first.slice(-10, -2)
    for (const changed of [
      first.replace(digits, '00000000'),
      first.replace(digits, 'zzzzzzzz'.slice(0, 2) + digits.slice(2)),
      first.replace('"crc"', '"cr_"'),
      `${first.slice(0, -1)})`,
    ]) {
      expect(new LineChain().check(changed), changed).toBe('wrong')
    }
  })

  test('without a checksum counts once it is added', () => {
    const chain = new LineChain()
    const own = new LineChain()
    expect(chain.check('{"a":1}')).toBe('missing')
    expect(chain.check(own.seal('{"b":2}'))).toBe('valid')
    const later = new LineChain()
    later.add('{"a":1}')
    const after = new LineChain()
    after.add('{"a":1}')
    expect(later.check(after.seal('{"b":2}'))).toBe('valid')
    expect(new LineChain().check('')).toBe('missing')
  })

  test('that lacks only its last bracket counts as complete', () => {
    const [first] = lines()
    expect(completeLine(first.slice(0, -1))).toBe(first)
    for (const other of [first, first.slice(0, -2), '{"a":"1"', '"', '', `x${first.slice(1, -2)}_`]) {
      expect(completeLine(other)).toBe(other)
    }
  })

  test('ends with a checksum even if a few of its bytes were changed', () => {
    const [first] = lines()
    expect(endsWithSeal(first)).toBe(true)
    expect(endsWithSeal(`${first.slice(0, -4)}__"}`)).toBe(true)
    expect(endsWithSeal(`${first.slice(0, -18)}__${first.slice(-16)}`)).toBe(true)
    expect(endsWithSeal(`${first.slice(0, -18)}___${first.slice(-15)}`)).toBe(false)
    expect(endsWithSeal(',"crc":"1234567')).toBe(false)
    expect(endsWithSeal(first.slice(0, -1))).toBe(false)
    expect(endsWithSeal('{"a":1}')).toBe(false)
    expect(endsWithSeal('')).toBe(false)
  })
})
