// Many children of one test.

import { expect } from 'vitest'

/** Runs so many at once, and tells of all that failed, each by its name. */
export async function sideBySide<T>(
  cases: readonly T[],
  run: (one: T) => Promise<void>,
  nameOf: (one: T) => string = String,
): Promise<void> {
  const waiting = cases.values()
  const failures: string[] = []
  const worker = async () => {
    for (const one of waiting) {
      try {
        await run(one)
      } catch (error) {
        failures.push(`${nameOf(one)}: ${(error as Error).message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  expect(failures.join('\n')).toBe('')
}
