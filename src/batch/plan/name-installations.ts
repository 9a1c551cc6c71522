// The names of the installations in a comparison. Their ids were not kept, so the files are read again.

import { type BatchFile, rereadRecord } from '../records/batch-file.ts'
import { readLines } from '../records/lines.ts'
import type { Comparison, InstallationChange } from './compare.ts'
import { type EarlierBatch, findInstallations } from './earlier-amounts.ts'
import type { InstallationAmounts } from './installation-amounts.ts'

export interface NamedChange extends InstallationChange {
  readonly installation: string
}

export interface NamedComparison extends Comparison {
  readonly largest: readonly NamedChange[]
  readonly newest: readonly NamedChange[]
  readonly missing: readonly NamedChange[]
}

/** Adds the ids of the installations that a comparison lists. */
export function nameInstallations(
  comparison: Comparison,
  sources: {
    readonly amounts: InstallationAmounts
    readonly earlier: EarlierBatch
    readonly file: BatchFile
  },
): NamedComparison {
  const { amounts, earlier, file } = sources
  const { largest, newest, missing } = comparison
  const names = new Map<number, string>()
  const planned = new Map([...largest, ...newest].map(({ line, slot }) => [line, slot]))
  const lastLine = Math.max(0, ...planned.keys())
  for (const line of readLines(file.source)) {
    if (line.number > lastLine) break
    const slot = planned.get(line.number)
    if (slot === undefined || !('text' in line)) continue
    const record = rereadRecord(line, file)
    if (record) names.set(slot, record.installation)
  }
  const missingSlots = new Set(missing.map(({ slot }) => slot))
  if (missingSlots.size > 0) {
    findInstallations(earlier, (installation) => {
      const found = amounts.get(installation)
      if (found && missingSlots.has(found.slot)) names.set(found.slot, installation)
    })
  }
  const named = (changes: readonly InstallationChange[]) =>
    changes.map((change) => ({ ...change, installation: names.get(change.slot) ?? '' }))
  return { ...comparison, largest: named(largest), newest: named(newest), missing: named(missing) }
}
