// The inputs and outputs as tables: what they mean, their defaults, and which operations use them.

import { join } from 'node:path'
import { type InputName, type InputRow, inputNames, rowOf } from '../../src/inputs/table.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { parameterInputs } from '../../src/operations/request.ts'
import { docComments } from '../doc-comments.ts'
import { code, listed, table } from './markdown.ts'

const source = join(import.meta.dirname, '..', '..', 'src')

/** What each input and output means, for people. */
export const inputTexts = docComments(join(source, 'inputs', 'table.ts'), 'inputTable')
export const outputTexts = docComments(join(source, 'report', 'outputs.ts'), 'outputNames')

/** The operations of ours, with the property of a row that says whether they use an input. */
const own = { mergeJournals: 'usedByMerge', trackInvoices: 'usedByTracking' } as const

export type OwnName = keyof typeof own
export const ownNames = Object.keys(own) as OwnName[]

/** The inputs that an operation of ours uses. */
export const inputsOfOwn = (name: OwnName): InputName[] => inputNames.filter((input) => rowOf(input)[own[name]])

/** Whether an input is for a batch file, or for the file itself. */
const isForBatch = (name: InputName) => name === 'batch-file' || rowOf(name).onlyInBatch === true

function isUsedBy(name: InputName, operation: Operation): boolean {
  const { unusedBy, needs } = rowOf(name)
  if (unusedBy?.(operation) !== undefined) return false
  if (isForBatch(name) && operation.batchProblem !== undefined) return false
  return needs === undefined || needs.some((other) => isUsedBy(other as InputName, operation))
}

const isUsedByAll = (name: InputName) => operations.every((operation) => isUsedBy(name, operation))

/** The inputs that every operation uses, for a single request. */
export const commonInputs = inputNames.filter((name) => !isForBatch(name) && isUsedByAll(name))

/** The inputs that an operation uses and some other operations do not, for a single request. */
export const ownInputsOf = (operation: Operation): InputName[] =>
  inputNames.filter((name) => !isForBatch(name) && !isUsedByAll(name) && isUsedBy(name, operation))

/** The inputs that an operation uses in batches only. */
export const batchInputsOf = (operation: Operation): InputName[] =>
  inputNames.filter((name) => isForBatch(name) && isUsedBy(name, operation))

/** Which operations use an input, in words. */
function usersOf(name: InputName): string {
  const users = operations.filter((operation) => isUsedBy(name, operation))
  const row: InputRow = rowOf(name)
  const apis = apiUsers(name, users)
  const place = row.onlyInBatch ? ' in a batch' : row.notInBatch ? ', not in a batch' : ''
  return [...(apis ? [apis + place] : []), ...ownNames.filter((one) => row[own[one]]).map(code)].join(', ')
}

/** The names of the operations, or of those that are excepted. */
function apiUsers(name: InputName, users: readonly Operation[]): string {
  const others = operations.filter((operation) => !users.includes(operation))
  if (users.length === 0) return ''
  if (others.length === 0) return 'every operation'
  if (others.length < 4) return `every operation except ${listed(others.map(({ name }) => name))}`
  if (Object.hasOwn(parameterInputs, name)) return 'operations with this id in their path'
  return listed(users.map(({ name }) => name))
}

const meaningOf = (name: InputName) => `${rowOf(name).required ? '**Required.** ' : ''}${inputTexts.get(name)}`
const defaultOf = (name: InputName) => (rowOf(name).default ? code(rowOf(name).default ?? '') : '')

/** The inputs as a table. */
export const inputTable = (names: readonly InputName[]): string =>
  table(
    ['input', 'meaning', 'default'],
    names.map((name) => [code(name), meaningOf(name), defaultOf(name)]),
  )

/** All inputs, with the operations that use them. */
export const inputReference = (): string =>
  table(
    ['input', 'meaning', 'default', 'used by'],
    inputNames.map((name) => [code(name), meaningOf(name), defaultOf(name), usersOf(name)]),
  )

/** Some outputs as a table; all by default. */
export const outputTable = (names: readonly string[] = [...outputTexts.keys()]): string =>
  table(
    ['output', 'value'],
    names.map((name) => [code(name), outputTexts.get(name) ?? '']),
  )
