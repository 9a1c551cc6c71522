// What the rows of inputs mean for each other: unused, missing, exclusive.

import { quote } from '../format.ts'
import { suggestion } from '../payload/suggest.ts'
import { type InputName, type InputUse, inputNames, rowOf } from './table.ts'

/** Why an operation has no use for an input that is given, if it has none. */
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

/** Everything that is wrong with which inputs are given. */
export function inputProblems(use: InputUse): string[] {
  const { operation, isGiven } = use
  return inputNames.flatMap((name) => {
    const { excludes = [], missing } = rowOf(name)
    if (!isGiven(name)) {
      const what = missing?.(use)
      return what ? [`input \`${name}\` is missing: ${what}`] : []
    }
    const reason = unusedReason(name, use)
    return [
      ...(reason ? [`input \`${name}\` is not used by ${operation.sdkName}: ${reason}`] : []),
      ...excludes
        .filter(isGiven)
        .map((other) => `inputs \`${name}\` and \`${other}\` exclude each other: give one of the two`),
    ]
  })
}

/** The prefix of the variables in which the runner passes inputs, declared or not. */
const prefix = 'INPUT_'

/** The runner only warns of inputs that do not exist, so a mistyped `dry_run` would send for real. */
export function unknownInputs(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(inputNames.map((name) => name.toUpperCase()))
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.has(name.slice(prefix.length).toUpperCase()))
    .map((name) => {
      const given = name.slice(prefix.length).toLowerCase()
      const hint = suggestion(given, inputNames) || '; the documentation lists all inputs'
      return `input ${quote(given)} does not exist${hint}`
    })
}

/** What is wrong with inputs that mergeJournals does not use. */
export const mergeProblems = (isGiven: InputUse['isGiven']): string[] =>
  inputNames
    .filter((name) => isGiven(name) && !rowOf(name).usedByMerge)
    .map((name) => `input \`${name}\` is not used by mergeJournals: it reads journals, and sends nothing`)
