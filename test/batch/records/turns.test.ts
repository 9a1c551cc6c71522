import { expect, test } from 'vitest'
import { Turns } from '../../../src/batch/records/turns.ts'

const lineOf = (text: string) => ({ number: 1, text })

/** How many lines were counted when a turn was due. @param limit  of lines to count */
function linesUntilDue(turns: Turns, line: Parameters<Turns['isDue']>[0], limit: number): number | undefined {
  for (let count = 1; count <= limit; count++) if (turns.isDue(line)) return count
  return undefined
}

test('a turn is due after a thousand lines, or a million characters', () => {
  expect(linesUntilDue(new Turns(), lineOf('{}'), 2000)).toBe(1001)
  expect(linesUntilDue(new Turns(), { number: 1, problem: 'is not UTF-8 text' }, 2000)).toBe(1001)
  expect(linesUntilDue(new Turns(), lineOf('x'.repeat(1 << 20)), 10)).toBe(2)
  expect(linesUntilDue(new Turns(), lineOf('x'.repeat((1 << 20) + 1)), 10)).toBe(1)
})

test('both are counted from the last turn', async () => {
  const turns = new Turns()
  const long = lineOf('x'.repeat(1 << 19))
  expect([turns.isDue(long), turns.isDue(long), turns.isDue(long)]).toEqual([false, false, true])
  expect(turns.lines).toBe(3)
  await turns.take()
  expect(turns.lines).toBe(0)
  expect(turns.isDue(long)).toBe(false)
  expect(turns.lines).toBe(1)
})

test('the event loop handles what is waiting during a turn', async () => {
  let isHandled = false
  setImmediate(() => {
    isHandled = true
  })
  await new Turns().take()
  expect(isHandled).toBe(true)
})
