// Which amounts a plan has: a run without guards does not need them.

import { expect, test } from 'vitest'
import { finishPlan, type PlanSubject, startPlan } from '../../../src/batch/plan/start-plan.ts'
import { findOperation, type Operation } from '../../../src/operations/catalogue.ts'
import { newFolder } from '../files.ts'
import { billOf } from './batch-step.ts'
import { batchFileOf, earlierBatch, paid, recordsOf } from './plans.ts'

const subject: PlanSubject = {
  operation: findOperation('submitInvoice') as Operation,
  baseUrl: 'https://api.vercel.com',
  externalId: 'auto',
  shard: { index: 1, count: 1 },
  dryRun: false,
  maxAmount: undefined,
  maxTotal: undefined,
  maxChange: undefined,
  compareWith: undefined,
  expectDigest: undefined,
}

const records = [billOf('icfg_1', '10.00'), billOf('icfg_2', '20.00')]

function guarded(change: Partial<PlanSubject>) {
  const workspace = newFolder()
  earlierBatch(workspace, { shard: '1/2', events: paid('a', 'icfg_1', '1.00') })
  const file = batchFileOf(records)
  const { builder, warnings } = startPlan({ ...subject, ...change }, { workspace, random: () => 0.5 })
  for (const { record, identity } of recordsOf(file)) builder.add(record, identity, [])
  const { plan, failure } = finishPlan(builder, { ...subject, ...change }, file)
  return { plan, failure, warnings }
}

test.each<[Partial<PlanSubject>, amount: string | undefined, installations: number]>([
  [{}, undefined, 0],
  [{ expectDigest: 'sha256:1' }, undefined, 0],
  [{ maxAmount: '100' }, '30.00', 0],
  [{ maxTotal: '100' }, '30.00', 0],
  [{ compareWith: ['earlier-1.ndjson'] }, '30.00', 2],
  [{ dryRun: true }, '30.00', 2],
])('with %j', (change, amount, installations) => {
  const { plan } = guarded(change)
  expect({ amount: plan.amount, installations: plan.installations }).toEqual({ amount, installations })
  expect(plan.largest).toHaveLength(change.dryRun ? 2 : 0)
})

test('the plan has the broken guards, and the failure is of the file', () => {
  const { plan, failure, warnings } = guarded({ maxAmount: '15', maxChange: '20', compareWith: ['earlier-1.ndjson'] })
  expect(plan.broken.map(({ guard, count }) => [guard, count])).toEqual([
    ['max-amount', 1],
    ['max-change', 1],
  ])
  expect(failure?.code).toBe('amount_exceeded')
  expect(failure?.diagnostics.map(({ file, position }) => [file, position?.line])).toEqual([
    ['batch.ndjson', 2],
    ['batch.ndjson', 1],
  ])
  expect(warnings).toEqual([
    { message: '`compare-with` has no journal of shard 2/2, so its installations count as new: add it' },
  ])
  expect(guarded({})).toMatchObject({ plan: { broken: [] }, failure: undefined, warnings: [] })
})
