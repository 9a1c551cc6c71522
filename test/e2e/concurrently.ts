// Many steps in one test.

import { expect } from 'vitest'

/** Runs the cases, by default eight at a time, and fails with the names and errors of all cases that failed. */
export async function runConcurrently<T>(
  cases: readonly T[],
  run: (one: T) => Promise<void>,
  nameOf: (one: T) => string = String,
  atOnce = 8,
): Promise<void> {
  const remaining = cases.values()
  const failures: string[] = []
  const worker = async () => {
    for (const one of remaining) {
      try {
        await run(one)
      } catch (error) {
        failures.push(`${nameOf(one)}: ${(error as Error).message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  expect(failures.join('\n')).toBe('')
}
