import { describe, expect, test } from 'vitest'
import { maxYamlValues, parseYaml } from '../../src/payload/yaml.ts'
import { cpuMs } from '../cpu-time.ts'
import { deepTexts, problemsOf, tooDeep } from './yaml-texts.ts'

test.each(deepTexts)('thousands of %s are refused quickly', (_, text) => {
  for (const levels of [10_000, 200_000]) expect(problemsOf(text(levels))).toEqual(tooDeep)
})

// Each of these makes a YAML parser quadratic, or makes it spend its time on errors that are not shown.
test.each<[string, string]>([
  ['keys', Array.from({ length: 10_000 }, (_, index) => `key${index}: x\n`).join('')],
  ['anchors', Array.from({ length: 4000 }, (_, index) => `- &a${index} x\n- *a${index}\n`).join('')],
  ['empty lines', '\n'.repeat(100_000)],
  ['quotes', '"'.repeat(100_000)],
  ['commas', `[${','.repeat(100_000)}]`],
  ['brackets', '[]'.repeat(50_000)],
])('100 kB of %s are parsed quickly', (_, text) => {
  const usedBefore = cpuMs()
  parseYaml(text)
  expect(cpuMs() - usedBefore).toBeLessThan(3000)
})

describe('too many values', () => {
  test('are more than 200,000 by default', () => {
    // Most values are those of aliases, which the library need not parse. The list itself is a value too.
    const list = `- &a [${'1,'.repeat(99)}]\n`
    const aliases = '- *a\n'.repeat(1998)
    const text = (values: number) => `${list}${aliases}${'- 1\n'.repeat(values - 199_901)}`
    expect(problemsOf(text(maxYamlValues))).toEqual([])
    expect(problemsOf(text(maxYamlValues + 1))).toEqual([
      expect.stringMatching(/^has more than 200,000 values; split it, or write it as JSON \(\d+:\d+\)$/),
    ])
  })
})
