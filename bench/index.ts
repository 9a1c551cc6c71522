// Measures the built action: `npm run bench`, or `npm run bench -- NAME…` for some of it.

import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { measureBatch, measureMemory, measureRate } from './batch.ts'
import { measureDelivery } from './delivery.ts'
import { markdownOf, type Table } from './report.ts'
import { measureStep } from './step.ts'

const measurements: Record<string, () => Promise<Table>> = {
  step: measureStep,
  delivery: measureDelivery,
  rate: measureRate,
  batch: measureBatch,
  // Only by its name: a million records take a while.
  memory: measureMemory,
}

const asked = process.argv.slice(2)
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
const machine = { node: process.version, cpu: cpu?.model, cores: cpus().length, kernel: release() }
writeFileSync('bench/results.json', `${JSON.stringify({ at: new Date().toISOString(), machine, tables }, null, 2)}\n`)
console.log(`Node ${machine.node}, ${machine.cores} × ${machine.cpu}. The figures are in bench/results.json too.`)
