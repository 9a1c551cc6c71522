// The inputs of a batch that are about its plan and its report.

import type { InputValues } from './table.ts'

export interface PlanInputs {
  /** The most money that all records may move, as a decimal. */
  readonly maxTotal: string | undefined
  /** The journals of an earlier batch: paths or globs. */
  readonly compareWith: readonly string[] | undefined
  /** By how many percent the amount of an installation may differ from the earlier one: a decimal. */
  readonly maxChange: string | undefined
  /** Path of the report, as the step gives it. */
  readonly reportFile: string | undefined
}

export const planInputs = (values: InputValues): PlanInputs => ({
  maxTotal: values['max-total'],
  compareWith: values['compare-with'],
  maxChange: values['max-change'],
  reportFile: values['report-file'],
})
