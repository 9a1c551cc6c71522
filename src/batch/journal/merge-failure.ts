// The failure of merged journals: what failed, what has no line, and which shards to run again.

import { Failure } from '../../failure.ts'
import { countOf, formatCount } from '../../format.ts'
import { changeAdvice } from './change-advice.ts'
import { failureDiagnostics } from './failure-diagnostics.ts'
import type { Ledger } from './ledger.ts'
import { maxNamedShards } from './missing-shards.ts'

/** How the journals of a shard end. */
export interface ShardEnd {
  /** `2/4` */
  readonly shard: string
  /** Records that failed, including those with an unknown outcome. */
  readonly failed: number
  /** Records that the journals have no line of. */
  readonly missing: number
  /** Whether a journal ends in the middle of a run: the process was killed, or the file is a part of the journal. */
  readonly isCut: boolean
}

/** The failure of the merged batch; undefined if all records succeeded, or no longer exist and are skipped. */
export function mergeFailure(ledger: Ledger, total: number, ends: readonly ShardEnd[]): Failure | undefined {
  const { failed, unknown, rejected, known } = ledger
  const failing = ends.filter((end) => end.failed + end.missing > 0)
  if (failed === 0 && total <= known) return undefined
  const cut = failing.filter(({ isCut, missing }) => isCut && missing > 0)
  const lost = sumOfMissing(cut)
  const notStarted = sumOfMissing(failing) - lost
  const parts: string[] = []
  if (failed > 0) {
    const outcomes = unknown === 0 ? ['failed'] : [`${failed === 1 ? 'has' : 'have'} an unknown outcome`]
    if (unknown > 0 && rejected > 0) outcomes.push('failed')
    parts.push(`${formatCount(failed)} of ${countOf(total, 'record')} ${outcomes.join(' or ')}`)
  }
  if (notStarted > 0) {
    const count = failed > 0 ? formatCount(notStarted) : `${formatCount(notStarted)} of ${countOf(total, 'record')}`
    parts.push(`${count} ${notStarted === 1 ? 'was' : 'were'} not started`)
  }
  const changes = changeAdvice(ledger.failures(), failed)
  const canResume = failed > changes.count || lost + notStarted > 0
  const sentences = [
    ...(parts.length > 0 ? [parts.join(' and ')] : []),
    ...(lost > 0 ? [cutSentence(cut, lost)] : []),
    ...(canResume ? [rerunAdvice(failing)] : []),
    ...changes.sentences,
  ]
  const message = sentences.join('. ')
  return new Failure('batch_failed', message, { diagnostics: [{ message }, ...failureDiagnostics(ledger.failures())] })
}

const sumOfMissing = (ends: readonly ShardEnd[]) => ends.reduce((sum, { missing }) => sum + missing, 0)

/** It is true for a process that was killed, and for a file that is only a part of its journal. */
function cutSentence(cut: readonly ShardEnd[], lost: number): string {
  const isOne = cut.length === 1
  const have = `${countOf(lost, 'record')} ${lost === 1 ? 'has' : 'have'} no line in ${isOne ? 'it' : 'them'}`
  const fix = `If there is a longer copy of ${isOne ? 'it' : 'one'}, merge that one`
  return `${isOne ? 'The journal' : 'The journals'}${shardNames(cut, ' of ')} ${isOne ? 'ends before its run' : 'end before their runs'} ended: ${have}, and may have been sent. ${fix}`
}

/** A batch in one shard has no need of its name. */
function shardNames(ends: readonly ShardEnd[], before: string): string {
  if (ends.every(({ shard }) => shard === '1/1')) return ''
  const names = ends.slice(0, maxNamedShards).map(({ shard }) => shard)
  const others = ends.length > maxNamedShards ? ' and others' : ''
  return `${before}${ends.length === 1 ? 'shard' : 'shards'} ${names.join(', ')}${others}`
}

function rerunAdvice(failing: readonly ShardEnd[]): string {
  const what = shardNames(failing, '') || 'the batch'
  return `Run ${what} again with ${failing.length === 1 ? 'its journal' : 'their journals'}`
}
