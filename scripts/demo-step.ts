// Runs steps in the sandbox as GitHub's runner does, and prints them for people. For the demos.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStepOutputs } from './step-outputs.ts'
import { renderSummary, terminalStyle as style } from './terminal-summary.ts'

const root = join(import.meta.dirname, '..')

/** The workspace and RUNNER_TEMP of the demo, deleted at the end. */
export const folder = mkdtempSync(join(tmpdir(), 'marketplace-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

export interface DemoStep {
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  readonly isSuccess: boolean
}

export interface DemoOptions {
  /** Called now and then while the step runs; the process is killed if it returns true. */
  readonly isKilled?: () => boolean
}

/** Runs a step. @param inputs  its `with:` */
export async function runStep(inputs: Record<string, string>, { isKilled }: DemoOptions = {}): Promise<DemoStep> {
  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
  for (const file of Object.values(files)) writeFileSync(file, '')
  const all = { 'api-url': 'sandbox', ...inputs }
  const child = spawn(process.execPath, [join(root, 'dist/index.js')], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      ...files,
      GITHUB_WORKSPACE: folder,
      RUNNER_TEMP: folder,
      ...Object.fromEntries(Object.entries(all).map(([input, value]) => [`INPUT_${input.toUpperCase()}`, value])),
    },
  })
  const watch = isKilled && setInterval(() => isKilled() && child.kill('SIGKILL'), 5)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearInterval(watch)
  return {
    outputs: readStepOutputs(readFileSync(files.GITHUB_OUTPUT, 'utf8')),
    summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
    isSuccess: code === 0,
  }
}

const symbols = { done: style('green', '✓'), refused: style('yellow', '✗'), killed: style('red', '■') }

/** Prints what has happened, on one line. */
export function printStep(symbol: keyof typeof symbols, what: string, details = ''): void {
  console.log(` ${symbols[symbol]} ${what.padEnd(36)} ${style('dim', details)}`.trimEnd())
}

export const printTitle = (title: string): void => console.log(`\n${style(['bold', 'cyan'], title)}`)

/** How many columns are before a summary. */
const summaryIndent = 5

/** Prints a job summary beside a line. @param maxLines  the rest is counted */
export function printSummary(summary: string, maxLines = 40): void {
  const lines = renderSummary(summary, style, (process.stdout.columns ?? 120) - summaryIndent)
  const bar = style('dim', '│')
  for (const line of lines.slice(0, maxLines)) console.log(`   ${bar} ${line}`.trimEnd())
  if (lines.length > maxLines) console.log(`   ${bar} ${style('dim', `… and ${lines.length - maxLines} more lines`)}`)
}

/** Prints what to look at next: pairs of a command or file, and what it shows. */
export function printNext(next: readonly (readonly [what: string, shows: string])[]): void {
  printTitle('What next')
  const width = Math.max(...next.map(([what]) => what.length))
  for (const [what, shows] of next) console.log(`   ${style('cyan', what.padEnd(width))}   ${shows}`)
}
