// Texts of YAML that nest too deeply, and the problems of a text.

import { expect } from 'vitest'
import { formatPath } from '../../src/failure.ts'
import { parseYaml } from '../../src/payload/yaml.ts'

/** `a.b stands here twice (2:1)`: the problems as a user sees them. */
export const problemsOf = (text: string) =>
  parseYaml(text).errors.map(({ path, message, position }) =>
    `${formatPath(path)} ${message} (${position?.line}:${position?.column})`.trim(),
  )

/** Texts with a number of levels, each of another form. */
export const deepTexts: [form: string, text: (levels: number) => string][] = [
  ['brackets', (levels) => '['.repeat(levels) + ']'.repeat(levels)],
  ['open brackets', (levels) => '['.repeat(levels)],
  ['braces', (levels) => '{a: '.repeat(levels) + '}'.repeat(levels)],
  ['dashes', (levels) => `${'- '.repeat(levels)}x`],
  ['question marks', (levels) => '? '.repeat(levels)],
  ['pairs in brackets', (levels) => '[a: '.repeat(levels) + ']'.repeat(levels)],
]

/** The problem of a text that nests too deeply on its first line. */
export const tooDeep = [expect.stringMatching(/^nests deeper than 100 levels \(1:\d+\)$/)]
