// The command that runs the sandbox, as a process.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { icfg } from './sandbox.ts'

/** Runs the command as `npm run sandbox` does. */
function serve(...args: string[]) {
  const program = join(import.meta.dirname, '../../scripts/sandbox.ts')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text))
  const exit = once(child, 'close').then(([code]) => ({ code, errors }))
  return { child, line: async () => (await lines.next()).value as string, exit }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the command serves, logs a line for each request, and ends well on %s',
  async (signal) => {
    const { child, line, exit } = serve('--port', '0')
    const [, url] = /^Listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(await line()) ?? []
    const { status } = await fetch(`${url}${icfg}/account`, { headers: { authorization: 'Bearer t' } })
    expect(status).toBe(200)
    expect(await line()).toBe(`GET ${icfg}/account 200`)
    child.kill(signal)
    expect(await exit).toEqual({ code: 0, errors: '' })
  },
)

test('the command says in one line why it cannot start', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  for (const [args, message] of [
    [['--port', String(port)], /^.*EADDRINUSE.*\n$/],
    [['--port', 'http'], /^--port must be a number such as 4010, not "http"\n$/],
    [['--stat', 'x'], /^Unknown option '--stat'.*\n$/],
    [['--state', '/no/such/folder/state'], /^ENOENT.*\n$/],
  ] as const) {
    expect(await serve(...args).exit).toEqual({ code: 1, errors: expect.stringMatching(message) })
  }
})
