// Why a batch stopped, and how many records it says were not started.

import { registerHooks } from 'node:module'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import { answer, runTestBatch } from '../batch-runner.ts'
import { newFolder } from '../files.ts'
import { invoice } from '../records.ts'

const records = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ ...invoice, integrationConfigurationId: `icfg_${number}` }))
const accepted = () => answer(200, { invoiceId: 'inv_1' })
const refused = () => answer(403, { error: { code: 'forbidden', message: 'No' } })

const run = (
  count: number,
  respond: (request: HttpRequest) => HttpResponse,
  { workspace = newFolder(), maxFailures }: { workspace?: string; maxFailures?: number } = {},
) =>
  runTestBatch({
    workspace,
    name: 'submitInvoice',
    records: records(count),
    respond,
    inputs: { concurrency: 1, maxFailures },
  })

let loads = 0

/** Makes the code of failures load again, which takes a few turns of the event loop, as in a new process. */
function unloadFailures() {
  const load = ++loads
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      if (!/^\..*\/delivery-failure\.ts$/.test(specifier)) return found
      const turns = 'for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)'
      const code = `export * from ${JSON.stringify(found.url)}; ${turns} // load ${load}`
      return { ...found, url: `data:text/javascript,${encodeURIComponent(code)}` }
    },
  })
  onTestFinished(() => hooks.deregister())
}

describe('max-failures', () => {
  test('stops at the first failure of a process', async () => {
    unloadFailures()
    const { failure, report } = await run(2, refused, { maxFailures: 1 })
    expect({ code: failure?.code, failed: report?.tally.failed }).toEqual({ code: 'too_many_failures', failed: 1 })
  })

  test('stops a batch that has records left', async () => {
    const { failure } = await run(3, refused, { maxFailures: 2 })
    expect(failure?.code).toBe('too_many_failures')
    expect(failure?.message).toMatch(
      /^2 records failed, so the batch stopped \(`max-failures: 2`\); 1 record was not started\./,
    )
  })

  test('is not the reason if no record is left', async () => {
    const { failure } = await run(2, refused, { maxFailures: 2 })
    expect(failure?.code).toBe('batch_failed')
    expect(failure?.message).toMatch(/^2 of 2 submitInvoice records failed\./)
  })

  test('counts the failures of this run', async () => {
    const workspace = newFolder()
    await run(3, refused, { workspace })
    const { failure } = await run(3, ({ url }) => (url.pathname.includes('icfg_0') ? refused() : accepted()), {
      workspace,
      maxFailures: 2,
    })
    expect(failure?.code).toBe('batch_failed')
  })
})

test('records that succeeded in an earlier run count neither as not started nor as failed', async () => {
  const workspace = newFolder()
  const first = await run(5, ({ url }) => (/icfg_[01]/.test(url.pathname) ? accepted() : refused()), {
    workspace,
    maxFailures: 1,
  })
  expect(first.failure?.message).toMatch(/; 2 records were not started\./)
  const second = await run(5, refused, { workspace, maxFailures: 1 })
  expect(second.report).toMatchObject({ total: 5, skipped: 2 })
  expect(second.failure?.message).toMatch(/^1 record failed, .*; 2 records were not started\./)
})
