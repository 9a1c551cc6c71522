// Checks which inputs are given: unused, missing or exclusive ones.

import { type InputName, type InputUse, inputNames, rowOf } from './table.ts'

/** Why a given input is not used; undefined if it is used. */
function unusedReason(name: InputName, { operation, isBatch, isGiven }: InputUse): string | undefined {
  const row = rowOf(name)
  const reason = row.unusedBy?.(operation)
  if (reason) return reason
  if (row.onlyInBatch && !isBatch) return 'it goes with `batch-file`'
  if (row.notInBatch && isBatch) return row.notInBatch
  if (row.needs && !row.needs.some(isGiven))
    return `it goes with ${row.needs.map((need) => `\`${need}\``).join(' or ')}`
  return undefined
}

/** The problems with the choice of inputs for a request or a batch: one sentence for each. */
export function inputProblems(use: InputUse): string[] {
  const { operation, isGiven } = use
  return inputNames.flatMap((name) => {
    const { excludes = [], missing } = rowOf(name)
    if (!isGiven(name)) {
      const advice = missing?.(use)
      return advice ? [`Input \`${name}\` is missing: ${advice}`] : []
    }
    const reason = unusedReason(name, use)
    return [
      ...(reason ? [`Input \`${name}\` is not used by ${operation.sdkName}: ${reason}`] : []),
      ...excludes
        .filter(isGiven)
        .map((other) => `Inputs \`${name}\` and \`${other}\` exclude each other: give one of the two`),
    ]
  })
}

/** The problems with the choice of inputs for mergeJournals: one sentence for each. */
export const mergeProblems = (isGiven: InputUse['isGiven']): string[] =>
  inputNames
    .filter((name) => isGiven(name) && !rowOf(name).usedByMerge)
    .map((name) => `Input \`${name}\` is not used by mergeJournals: it reads journals, and sends nothing`)
