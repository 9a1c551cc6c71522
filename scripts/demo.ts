// Shows what a workflow gets from the action: it submits an invoice to the sandbox, reads it until it is paid, and
// partially refunds it. It needs no account and sends nothing over the network. `npm run demo`

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters, styleText } from 'node:util'

const root = join(import.meta.dirname, '..')
const temp = mkdtempSync(join(tmpdir(), 'marketplace-demo-'))
const printTitle = (text: string) => console.log(`\n${styleText(['bold', 'cyan'], text)}`)
const dim = (text: string) => styleText('dim', text)

/**
 * Runs one step as GitHub's runner does, and prints its log, outputs and summary.
 *
 * @returns the outputs
 * @throws {Error} if the step fails
 */
function runStep(name: string, inputs: Record<string, string>): Record<string, string> {
  printTitle(name)
  for (const [input, value] of Object.entries(inputs)) console.log(dim(`  ${input}: ${value}`))
  const files = { GITHUB_OUTPUT: join(temp, 'output'), GITHUB_STEP_SUMMARY: join(temp, 'summary') }
  for (const file of Object.values(files)) writeFileSync(file, '')

  const all = { 'api-url': 'sandbox', token: 'any-token', 'installation-id': 'icfg_demo', ...inputs }
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'dist/index.js')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      ...files,
      GITHUB_WORKSPACE: root,
      RUNNER_TEMP: temp,
      ...Object.fromEntries(Object.entries(all).map(([input, value]) => [`INPUT_${input.toUpperCase()}`, value])),
    },
  })
  console.log('Log')
  for (const line of stripVTControlCharacters(stdout).split('\n')) {
    if (line !== '' && !line.startsWith('::add-mask::')) console.log(`  ${line}`)
  }
  const outputs: Record<string, string> = Object.fromEntries(
    [...readFileSync(files.GITHUB_OUTPUT, 'utf8').matchAll(/^(.+?)<<(\S+)\n(?:([\s\S]*?)\n)?\2$/gm)].map(
      ([, output, , value]) => [output, value ?? ''],
    ),
  )
  console.log('Outputs')
  for (const [output, value] of Object.entries(outputs)) {
    console.log(`  ${output}=${value.length > 120 ? `${value.slice(0, 120)}…` : value}`)
  }
  const summary = readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8')
  console.log('Summary')
  console.log(summary.trimEnd().replace(/^/gm, '  '))
  if (status !== 0) throw new Error(`The step "${name}" ended with exit code ${status}`)
  return outputs
}

try {
  const { invoiceId = '' } = runStep('Submit an invoice', {
    operation: 'submitInvoice',
    'payload-file': 'examples/invoice.json',
  })
  for (let reads = 0, status = ''; status !== 'paid' && reads < 10; reads++) {
    status = runStep('Read its state', { operation: 'getInvoice', 'invoice-id': invoiceId }).status ?? ''
  }
  const refund = { action: 'refund', reason: 'Storage was down for a day', total: '10.00' }
  runStep('Refund a part of it', {
    operation: 'updateInvoice',
    'invoice-id': invoiceId,
    payload: JSON.stringify(refund),
  })
  runStep('Read it again', { operation: 'getInvoice', 'invoice-id': invoiceId })
  printTitle('Done. The same steps in a workflow: see README.md')
} finally {
  rmSync(temp, { recursive: true, force: true })
}
