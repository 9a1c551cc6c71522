import { expect, test } from 'vitest'
import { findCutVariables, handedVariables } from '../src/cut-variables.ts'

test('the variables that the process was handed are those of its environment', () => {
  const name = Object.keys(process.env).find((name) => /^path$/i.test(name)) ?? ''
  expect(process.env[name]).toMatch(/./)
  expect(handedVariables()[name]).toBe(process.env[name])
})

test('they are read with the settings of the report set aside, which are restored, also after an error', () => {
  const environmentVariables = { A: 'a' }
  const settings: boolean[][] = []
  const report = {
    ...process.report,
    excludeEnv: true,
    excludeNetwork: false,
    getReport() {
      settings.push([this.excludeEnv, this.excludeNetwork])
      if (settings.length > 1) throw new Error('no report')
      return { environmentVariables }
    },
  }
  expect(handedVariables(report)).toBe(environmentVariables)
  expect(() => handedVariables(report)).toThrow('no report')
  expect(settings).toEqual([
    [false, true],
    [false, true],
  ])
  expect([report.excludeEnv, report.excludeNetwork]).toEqual([true, false])
})

test('a variable is cut if it has fewer characters than the process was handed, or was not handed to it', () => {
  const cutProblem = findCutVariables(() => ({ INPUT_PAYLOAD: 'total: 100', Empty: '' }))
  const problem =
    'arrived in part: Windows passes on at most 32,767 characters of a variable; write it to a file, and use '
  expect(cutProblem('INPUT_PAYLOAD', 'total: 10')).toBe(`${problem}\`payload-file\``)
  expect(cutProblem('INPUT_PAYLOAD', 'total: 100')).toBeUndefined()
  // Windows ignores the case of names.
  expect(cutProblem('Input_Payload', 'total: 100')).toBeUndefined()
  expect(cutProblem('EMPTY', '')).toBeUndefined()
  expect(cutProblem('OTHER', 'a')).toBe(`${problem}\`$file\``)
})

test('the process is asked for its variables once, and only if a text is in doubt', () => {
  let asked = 0
  const cutProblem = findCutVariables(() => {
    asked++
    return { A: 'a' }
  })
  expect(asked).toBe(0)
  for (const _ of [1, 2]) expect(cutProblem('A', 'a')).toBeUndefined()
  expect(asked).toBe(1)
})
