// Checks which inputs are given: unused, missing or exclusive ones.

import { quote } from '../format.ts'
import { suggestion } from '../payload/suggest.ts'
import { type InputName, type InputUse, inputNames, rowOf } from './table.ts'

/** Why a given input is not used; undefined if it is used. */
function unusedReason(name: InputName, { operation, isBatch, isGiven }: InputUse): string | undefined {
  const row = rowOf(name)
  const reason = row.unusedBy?.(operation)
  if (reason) return reason
  if (row.onlyInBatch && !isBatch) return 'it goes with `batch-file`'
  if (row.notInBatch && isBatch) return row.notInBatch
  if (row.needs && !row.needs.some(isGiven)) return goesWith(row.needs)
  return undefined
}

/** Why an input is not used without others: a clause for the message. */
export const goesWith = (needs: readonly string[]) => `it goes with ${needs.map((need) => `\`${need}\``).join(' or ')}`

/** The problems with other inputs that an input excludes: one sentence for each. */
export const excludedBy = (name: string, excludes: readonly string[], isGiven: InputUse['isGiven']) =>
  excludes.filter(isGiven).map((other) => `Inputs \`${name}\` and \`${other}\` exclude each other: give one of the two`)

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
      ...excludedBy(name, excludes, isGiven),
    ]
  })
}

/** The prefix of the environment variables in which the runner passes inputs, declared or not. */
const inputPrefix = 'INPUT_'

/**
 * The problems with inputs that do not exist, such as `dry_run`: one sentence for each. The runner only warns of them, so a
 * mistyped `dry-run` would send requests.
 */
export function unknownInputs(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(inputNames.map((name) => name.toUpperCase()))
  return Object.keys(env)
    .filter((name) => name.startsWith(inputPrefix) && !known.has(name.slice(inputPrefix.length).toUpperCase()))
    .map((name) => {
      const given = name.slice(inputPrefix.length).toLowerCase()
      const hint = suggestion(given, inputNames) || '; the documentation lists all inputs'
      return `Input ${quote(given)} does not exist${hint}`
    })
}
