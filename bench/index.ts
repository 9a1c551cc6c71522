// Measures the built action: `npm run bench`, or `npm run bench -- NAME…` for some of it. With `--keep` the figures take
// the place of those in docs/performance.json, which `npm run docs` puts into docs/performance.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { measureBatch, measureMemory, measureRate } from './batch.ts'
import { measureDelivery } from './delivery.ts'
import { measureOperations } from './operations.ts'
import { type Figures, markdownOf, type Table } from './report.ts'
import { measureStep } from './step.ts'

const measurements: Record<string, () => Promise<Table>> = {
  step: measureStep,
  operations: measureOperations,
  delivery: measureDelivery,
  rate: measureRate,
  batch: measureBatch,
  // Only by its name: a million records take a while.
  memory: measureMemory,
}

const asked = process.argv.slice(2).filter((argument) => argument !== '--keep')
const unknown = asked.find((name) => !Object.hasOwn(measurements, name))
if (unknown !== undefined) throw new Error(`There is no ${unknown}: ${Object.keys(measurements).join(', ')}`)
const names = asked.length > 0 ? asked : Object.keys(measurements).filter((name) => name !== 'memory')

const tables: Record<string, Table> = {}
for (const name of names) {
  const table = await measurements[name]?.()
  if (!table) continue
  tables[name] = table
  console.log(markdownOf(table))
}
const [cpu] = cpus()
const machine = `Node ${process.version}, ${cpus().length} × ${cpu?.model}`
const kept = process.argv.includes('--keep')
const path = kept ? 'docs/performance.json' : 'bench/results.json'
const before: Partial<Figures> = kept && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
const figures: Figures = { machine, tables: { ...before.tables, ...tables } }
writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`)
console.log(`${machine}. The figures are in ${path} too.`)
