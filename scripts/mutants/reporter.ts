// A reporter for Stryker that lists the survivors which equivalent.yml does not explain.

import type { schema } from '@stryker-mutator/api/core'
import type { Reporter } from '@stryker-mutator/api/report'
import { compareWithMarks, readMarks } from './marks.ts'

class UnmarkedReporter implements Reporter {
  onMutationTestReportReady(report: Readonly<schema.MutationTestResult>) {
    const { unmarked, outdated, marked } = compareWithMarks(report, readMarks())
    for (const { file, lineNumber, code, to } of unmarked)
      console.log(`${file}:${lineNumber}: no test notices the change of\n  ${code}\nto\n  ${to}`)
    for (const { file, code, to } of outdated)
      console.log(`${file}: equivalent.yml has a change that does not survive, or does not exist: ${code} → ${to}`)
    console.log(
      `${unmarked.length} survivors without a mark, ${marked} with one; ${outdated.length} marks without a survivor`,
    )
  }
}

export const strykerPlugins = [{ kind: 'Reporter', name: 'unmarked', factory: () => new UnmarkedReporter() }]
