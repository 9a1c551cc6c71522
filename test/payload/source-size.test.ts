import { expect, test, vi } from 'vitest'
import { parseJson, parseSource } from '../../src/payload/parse.ts'
import { cpuMs } from '../cpu-time.ts'

test('30,000 problems and 30,000 paths are located in linear time', () => {
  const usedBefore = cpuMs()
  const { errors } = parseJson(`{\n${Array(30_000).fill('"a": 1').join(',\n')}\n}`)
  expect(errors.at(-1)?.position).toEqual({ line: 30_001, column: 1 })
  const { locate } = parseJson(`[${Array(30_000).fill('\n1').join(',')}]`)
  const found = Array.from({ length: 30_000 }, (_, index) => locate([index], 'value')?.line)
  expect(found.every((line, index) => line === index + 2)).toBe(true)
  expect(cpuMs() - usedBefore).toBeLessThan(3000)
})

test('three million values are refused, and not parsed', async () => {
  const parse = vi.spyOn(JSON, 'parse')
  const text = `{"items": [${'{},'.repeat(3_000_000)}{}]}`
  const errors = [{ message: 'has more than 1,000,000 values; split it' }]
  expect(await parseSource(text)).toMatchObject({ value: undefined, errors })
  expect(parseJson(text)).toMatchObject({ value: undefined, errors })
  expect(parse).not.toHaveBeenCalled()
  parse.mockRestore()
})
