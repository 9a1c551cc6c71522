import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Case, NotPossible, runCases, type Trial } from '../../scripts/trial/trial.ts'

/** Runs cases, and returns the number of failures and what was printed. */
async function run(...cases: Case[]) {
  const lines: string[] = []
  const failures = await runCases(cases, (line) => lines.push(line))
  return { failures, lines }
}

describe('the trial prints one line per case', () => {
  test('that succeeds, with its note', async () => {
    const cases: Case[] = [
      ['a step works', async () => undefined],
      ['a batch works', async () => 'killed twice'],
    ]
    expect(await run(...cases)).toEqual({
      failures: 0,
      lines: [
        'ok                 a step works',
        'ok                 a batch works (killed twice)',
        '2 ok, 0 not possible here, 0 failed',
      ],
    })
  })

  test('that fails, with the logs of its steps, and goes on', async () => {
    const failing = async (trial: Trial) => {
      trial.logs.push('resuming\n::error::refused\n', '')
      throw new Error('it sent nothing')
    }
    expect(await run(['a step works', failing], ['a batch works', async () => undefined])).toEqual({
      failures: 1,
      lines: [
        'failed             a step works: it sent nothing',
        '    step 1 of 2:',
        '    | resuming\n    | ::error::refused',
        '    step 2 of 2:',
        '    | (no output)',
        'ok                 a batch works',
        '1 ok, 0 not possible here, 1 failed',
      ],
    })
  })

  test('that the system cannot play: no failure, and not ok', async () => {
    const impossible = async () => {
      throw new NotPossible('only Windows has streams')
    }
    expect(await run(['a stream is refused', impossible])).toEqual({
      failures: 0,
      lines: [
        'not possible here  a stream is refused: only Windows has streams',
        '0 ok, 1 not possible here, 0 failed',
      ],
    })
  })
})

test.each([
  ['C:\\temp\\j.ndjson', 0],
  ['\\\\?\\C:\\temp\\j.ndjson', 0],
  ['\\\\.\\pipe\\lock', 0],
  ['"C:\\\\temp\\\\j.ndjson"', 1],
])('a case whose log shows %s has %i failures', async (path, count) => {
  const logging = async (trial: Trial) => {
    trial.logs.push(`the journal ${path} is in use`)
    return undefined
  }
  const { failures, lines } = await run(['a journal is refused', logging])
  expect(failures).toBe(count)
  if (count === 1) {
    const message = `a message shows a backslash twice: the journal ${path} is in use`
    expect(lines[0]).toBe(`failed             a journal is refused: ${message}`)
  }
})

test('the folder and the servers of a case end with it', async () => {
  const used = { folder: '', url: '' }
  const starting = async (trial: Trial) => {
    const { url } = await trial.startServer()
    Object.assign(used, { folder: trial.folder, url })
    expect(existsSync(trial.folder)).toBe(true)
    expect((await fetch(url)).status).toBe(404)
    return undefined
  }
  expect((await run(['a server is started', starting])).failures).toBe(0)
  expect(existsSync(used.folder)).toBe(false)
  await expect(fetch(used.url)).rejects.toThrow('fetch failed')
})
