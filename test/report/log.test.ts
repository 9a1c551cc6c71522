import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oneLine, openLog } from '../../src/report/log.ts'
import { Secrets } from '../../src/secrets.ts'
import { runs } from '../runs.ts'
import { testRunner } from '../test-runner.ts'

describe('text on one line', () => {
  test.each([
    ['one\ntwo', 'one · two'],
    ['one \r\n\t two', 'one · two'],
    ['one\n \n\n two\n', 'one · two · '],
    ['\n one', ' · one'],
    ['  one  ', '  one  '],
    ['one\rtwo\u0000\u001b[31m\u0085\u009b', 'one two  [31m  '],
    ['a\u202eb\u2066c\u061cd\u200be\u200df\ufeffg\u00adh', 'a b c d e f g h'],
    ['a\u2028b\u2029c\u3164d\u{e0041}e', 'a b c d e'],
    ['half \ud83d of 😀', 'half   of 😀'],
    ['::error::no', ': :error::no'],
    ['\u200b ::error::no', ': :error::no'],
    ['one\n::error::no', 'one · ::error::no'],
    ['and ##[error]no', 'and ## [error]no'],
  ])('%j', (text, line) => {
    expect(oneLine(text)).toBe(line)
  })

  test('is the same as with the pattern that it replaces, which takes quadratic time', () => {
    const text = fc
      .array(fc.constantFrom(' ', '\n', '\r\n', '\t', 'a', '·'), { maxLength: 20 })
      .map((parts) => parts.join(''))
    const expected = (before: string) => before.replace(/\s*\r?\n\s*/g, ' · ').replace(/[\r\t]/g, ' ')
    fc.assert(
      fc.property(text, (before) => {
        expect(oneLine(before)).toBe(expected(before))
      }),
      runs(150),
    )
  })
})

describe('the log', () => {
  test('shows no secret, in annotations and where they point', () => {
    const runner = testRunner()
    const annotations: object[] = []
    const secrets = new Secrets()
    secrets.add(['hunter2-hunter2'])
    const log = openLog({ ...runner, error: (...all) => void annotations.push(all) }, secrets)
    log.info('hunter2-hunter2\n::error::no')
    log.debug('HUNTER2-HUNTER2')
    log.fail(
      [{ message: 'is not hunter2%2Dhunter2', file: 'a/hunter2-hunter2.json', position: { line: 1, column: 2 } }],
      'of hunter2-hunter2',
    )
    expect(runner.lines).toEqual(['*** · ::error::no'])
    expect(runner.debugLines).toEqual(['***'])
    expect(annotations).toEqual([
      [
        'is not *** (a/***.json, line 1, column 2)',
        { title: 'of ***', file: 'a/***.json', startLine: 1, startColumn: 2 },
      ],
    ])
  })

  test.each([
    ['win32', 'usage\\a/b.ndjson', 'usage/a/b.ndjson'],
    ['linux', 'usage\\a/b.ndjson', 'usage\\a/b.ndjson'],
  ] as const)('on %s annotates the file %s as %s', (platform, file, annotated) => {
    const runner = testRunner()
    const annotations: object[] = []
    const add = (_: string, properties: object) => void annotations.push(properties)
    openLog({ ...runner, error: add, warning: add }, new Secrets(), platform).fail(
      [{ message: 'is wrong', file }],
      'Title',
    )
    expect(annotations).toEqual([{ title: 'Title', file: annotated }])
  })

  test('has ten annotations at most, the last of which counts the rest', () => {
    const runner = testRunner()
    const titles: object[] = []
    const warning = (message: string, properties: object = {}) => {
      titles.push(properties)
      runner.warnings.push(message)
    }
    const log = openLog({ ...runner, warning }, new Secrets())
    log.warn(
      Array.from({ length: 12 }, (_, index) => ({ message: `${index}` })),
      'title',
    )
    expect(runner.warnings).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', 'and 3 more'])
    expect(titles).toEqual(Array(10).fill({ title: 'title' }))
  })
})
