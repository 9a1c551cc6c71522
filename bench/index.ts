// Measures the built action: `npm run bench` runs all measurements but `memory`, `npm run bench -- NAME…` those named. With
// `--keep` the figures replace those in docs/performance.json, from which `npm run docs` generates docs/performance.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { measureBatch, measureMemory, measureRate } from './batch.ts'
import { measureCheck } from './check.ts'
import { measureDelivery } from './delivery.ts'
import { measureFaults, measureLimits } from './faults.ts'
import { measureOperations } from './operations.ts'
import { type Figures, markdownOf, type Table } from './report.ts'
import { measureStep } from './step.ts'

const measurements: Record<string, () => Promise<Table>> = {
  step: measureStep,
  operations: measureOperations,
  delivery: measureDelivery,
  check: measureCheck,
  rate: measureRate,
  batch: measureBatch,
  limits: measureLimits,
  faults: measureFaults,
  // Takes minutes for a million records, so it runs only if it is named.
  memory: measureMemory,
}

const requested = process.argv.slice(2).filter((argument) => argument !== '--keep')
const unknown = requested.find((name) => !Object.hasOwn(measurements, name))
if (unknown !== undefined)
  throw new Error(`There is no measurement "${unknown}". Choose from: ${Object.keys(measurements).join(', ')}`)
const names = requested.length > 0 ? requested : Object.keys(measurements).filter((name) => name !== 'memory')

const tables: Record<string, Table> = {}
for (const name of names) {
  const table = await measurements[name]?.()
  if (!table) continue
  tables[name] = table
  console.log(markdownOf(table))
}
const [cpu] = cpus()
const machine = `Node ${process.version}, ${cpus().length} × ${cpu?.model}`
const keepsFigures = process.argv.includes('--keep')
const path = keepsFigures ? 'docs/performance.json' : 'bench/results.json'
const before: Partial<Figures> = keepsFigures && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
const figures: Figures = { machine, tables: { ...before.tables, ...tables } }
writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`)
console.log(`${machine}. The figures are also in ${path}.`)
