// A batch in process that ends as if its process was killed.

import { cpSync } from 'node:fs'
import { type BatchInputs, runBatch } from '../../src/batch/run.ts'
import { openNetwork } from '../../src/http/network.ts'
import type { Transport } from '../../src/http/transport.ts'
import { ImmediateClock, testBatchContext } from './batch-runner.ts'
import { newFolder } from './files.ts'

/** A run of a batch, in process or as a process of its own. */
export interface KillableRun {
  /**
   * Ends the run at once: it sends and writes nothing more. What it has sent may still arrive.
   *
   * @returns the folder in which the next run continues
   */
  readonly kill: () => string
  /** Resolves when the run has ended, and what it had sent has arrived. @returns whether it was killed */
  readonly ended: Promise<boolean>
}

/**
 * Starts a batch that sends over the network. A kill copies its workspace: the next run continues with the files as they are
 * at that moment, and with nothing that the killed run would have written later. That run stays as it is, waiting for
 * responses that it never gets.
 */
export function startKillableBatch(workspace: string, inputs: BatchInputs): KillableRun {
  const network = openNetwork({ env: {} })
  const never = new Promise<never>(() => {})
  const inFlight = new Set<Promise<unknown>>()
  const killed = Promise.withResolvers<void>()
  /** Set by the kill. */
  let copy: string | undefined
  const send: Transport['send'] = async (request, options) => {
    if (copy) return never
    const exchange = network.send(request, options)
    const settled = exchange.then(
      () => {},
      () => {},
    )
    inFlight.add(settled)
    await settled
    inFlight.delete(settled)
    return copy ? never : exchange
  }
  const open = async () => ({ baseUrl: inputs.baseUrl ?? '', transport: { send, close() {} } })
  const context = testBatchContext({ workspace, clock: new ImmediateClock(), send }, { open })
  return {
    kill() {
      if (copy) return copy
      copy = newFolder()
      cpSync(workspace, copy, { recursive: true })
      killed.resolve()
      return copy
    },
    ended: Promise.race([runBatch(inputs, context), killed.promise]).then(async () => {
      await Promise.all(inFlight)
      network.close()
      return copy !== undefined
    }),
  }
}
