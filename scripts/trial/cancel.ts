// Cases of a batch that is cancelled, as the runner does it: with SIGINT and SIGTERM, on Windows with Ctrl+C and Ctrl+Break.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { launch } from '../../test/e2e/launcher.ts'
import { assertEachOnce, count, invoiceBatch } from './batches.ts'
import { type Case, isWindows, NotPossible, type RunningStep, type Trial } from './trial.ts'

type Send = (child: RunningStep['child']) => Promise<void>

/** Cancels a batch while a request is in flight. It ends, reports what it did, and a later run completes it. */
async function cancelledBatchResumes(trial: Trial, send: Send): Promise<string> {
  const server = await trial.startServer()
  const { options } = invoiceBatch(trial, server, { concurrency: '1' })
  const { child, done } = trial.start(options)
  const sent = Promise.withResolvers<void>()
  server.faults = async () => {
    if (server.arrivals.length === 5) await send(child).then(sent.resolve, sent.reject)
    return undefined
  }
  const [step] = await Promise.all([done, sent.promise])
  server.faults = () => undefined
  assert.equal(step.code, 1)
  assert.equal(step.outputs.status, 'partial')
  const { succeeded } = step.outputs
  // The request in flight was answered, and at most one more had started when the signal came.
  assert.ok(Number(succeeded) >= 5 && Number(succeeded) <= 6, `${succeeded} records succeeded`)
  assert.match(step.summary, /cancelled/i)
  assertEachOnce(await trial.run(options), server)
  return `${succeeded} of ${count} before it ended`
}

async function sendSignals(child: RunningStep['child']): Promise<void> {
  child.kill('SIGINT')
  await pause(100)
  child.kill('SIGTERM')
}

/** `STATUS_CONTROL_C_EXIT`: the event has reached the process that sent it too, which cannot ignore Ctrl+Break. */
const endedByEvent = 0xc000013a

/** Sends Ctrl+C or Ctrl+Break to a process on Windows, with a process of its own. */
const sendConsoleEvent =
  (name: 'Ctrl+C' | 'Ctrl+Break'): Send =>
  async ({ pid }) => {
    const program = join(import.meta.dirname, 'console-event.ts')
    const { NODE_PATH = '' } = process.env
    const args = [program, String(await pid), name]
    const { code, output } = await launch(process.execPath, args, { env: { NODE_PATH } }).ended
    if (code !== 0 && code !== endedByEvent) throw new NotPossible(output.trim())
    // A thread of the system passes the event on.
    await pause(100)
  }

export const cancelCases: readonly Case[] = isWindows
  ? (['Ctrl+C', 'Ctrl+Break'] as const).map((name) => [
      `a batch that is cancelled with ${name} ends and is resumed`,
      (trial) => cancelledBatchResumes(trial, sendConsoleEvent(name)),
    ])
  : [
      [
        'a batch that is cancelled with SIGINT and SIGTERM ends and is resumed',
        (trial) => cancelledBatchResumes(trial, sendSignals),
      ],
    ]
