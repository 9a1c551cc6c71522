// Tries the built action on this system: what differs between Linux, Windows and macOS, as processes against a server on
// loopback. `npm run trial`; `npm run trial -- journal` runs the cases whose names contain the word.
// `npm run trial:windows` runs this file under Wine.

import { join } from 'node:path'
import { buildProblem } from '../test/e2e/check-build.ts'
import { batchCases } from './trial/batches.ts'
import { cancelCases } from './trial/cancel.ts'
import { journalCases } from './trial/journals.ts'
import { replacementCases } from './trial/replacement.ts'
import { sizeCases } from './trial/sizes.ts'
import { stepCases } from './trial/steps.ts'
import { type Case, runCases } from './trial/trial.ts'

const problem = buildProblem(join(import.meta.dirname, '..'), process.env.ACTION_ENTRY)
if (problem) throw new Error(problem)

const word = process.argv[2] ?? ''
const all: readonly Case[] = [
  ...stepCases,
  ...sizeCases,
  ...batchCases,
  ...journalCases,
  ...replacementCases,
  ...cancelCases,
]
const cases = all.filter(([name]) => name.includes(word))
if (cases.length === 0) throw new Error(`No case has ${JSON.stringify(word)} in its name`)
const failures = await runCases(cases)
process.exit(failures === 0 ? 0 : 1)
