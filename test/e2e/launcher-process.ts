// Starts the processes that launcher.ts asks for. It is a process of its own, and small: see there.

import { type SpawnOptions, spawn } from 'node:child_process'

/** What to start. */
export interface Launch {
  readonly id: number
  readonly command: string
  readonly args: readonly string[]
  readonly options: Pick<SpawnOptions, 'cwd' | 'env'>
}

/** What has happened to a process: it has started, has ended with its output, or could not be started. */
export type Report = { readonly id: number } & (
  | { readonly pid: number }
  | { readonly code: number | null; readonly output: string }
  | { readonly error: string }
)

const send = (report: Report) => void process.send?.(report)

process.on('message', ({ id, command, args, options }: Launch) => {
  // On Windows a process gets a console of its own, without a window, as GitHub's runner gives it one.
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  child.once('spawn', () => send({ id, pid: child.pid ?? 0 }))
  child.once('error', ({ message }) => send({ id, error: message }))
  child.once('close', (code) => send({ id, code, output }))
})
