// Bills 2,000 installations in the sandbox. The process is killed halfway and resumed; then the script counts the invoices
// of each installation. `npm run demo:billing`

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters, styleText } from 'node:util'

const installationCount = 2000
/** The size of the journal, in bytes, at which the first run is killed: about half of the records. */
const killAtBytes = 400_000
const root = join(import.meta.dirname, '..')
const temp = mkdtempSync(join(tmpdir(), 'marketplace-demo-'))
const journal = join(temp, 'journal.ndjson')
const printTitle = (text: string) => console.log(`\n${styleText(['bold', 'cyan'], text)}`)

const month = (offset: number) => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString()
}
const [start, end] = [month(-1), month(0)]
const names = Array.from({ length: installationCount }, (_, index) => `icfg_demo${String(index + 1).padStart(4, '0')}`)
const records = names.map((integrationConfigurationId, index) => {
  const total = `${(index % 90) + 10}.00`
  const item = { billingPlanId: 'pro', name: 'Pro plan', price: total, quantity: 1, units: 'month', total }
  return { integrationConfigurationId, invoiceDate: end, period: { start, end }, items: [item] }
})
writeFileSync(join(temp, 'invoices.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
writeFileSync(
  join(temp, 'tokens.json'),
  JSON.stringify(Object.fromEntries(names.map((name) => [name, `token-of-${name}`]))),
)

/**
 * Runs the batch as GitHub's runner does.
 *
 * @param killAt  the size of the journal, in bytes, at which the process is killed; never by default
 * @returns the job summary
 * @throws {Error} if the batch fails without having been killed
 */
async function run(killAt = Number.POSITIVE_INFINITY): Promise<string> {
  const files = { GITHUB_OUTPUT: join(temp, 'output'), GITHUB_STEP_SUMMARY: join(temp, 'summary') }
  for (const file of Object.values(files)) writeFileSync(file, '')
  const inputs = {
    operation: 'submitInvoice',
    'batch-file': 'invoices.ndjson',
    'tokens-file': 'tokens.json',
    'journal-file': journal,
    'api-url': 'sandbox',
  }
  const child = spawn(process.execPath, [join(root, 'dist/index.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...files,
      GITHUB_WORKSPACE: temp,
      RUNNER_TEMP: temp,
      ...Object.fromEntries(Object.entries(inputs).map(([input, value]) => [`INPUT_${input.toUpperCase()}`, value])),
    },
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of stripVTControlCharacters(text).split('\n')) if (line !== '') console.log(`  ${line}`)
  })
  const watch = setInterval(() => {
    if (existsSync(journal) && statSync(journal).size >= killAt) child.kill('SIGKILL')
  }, 5)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearInterval(watch)
  if (code !== 0 && killAt === Number.POSITIVE_INFINITY) throw new Error(`The batch ended with exit code ${code}`)
  return readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8')
}

/** The number of invoices of each installation, from the sandbox's state file. */
function countInvoices(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(join(temp, 'vercel-marketplace-sandbox.ndjson'), 'utf8').split('\n')) {
    for (const [bucket] of line === '' ? [] : (JSON.parse(line) as [bucket: string][])) {
      const [kind, installation = ''] = bucket.split('/')
      if (kind === 'invoice') counts.set(installation, (counts.get(installation) ?? 0) + 1)
    }
  }
  return counts
}

try {
  printTitle(`${installationCount} invoices, one per installation; the process is killed halfway`)
  await run(killAtBytes)
  console.log(`  killed: ${countInvoices().size} installations have been billed so far`)
  printTitle('The same step again, with the same journal')
  const summary = await run()
  printTitle('The job summary')
  console.log(summary.trimEnd().replace(/^/gm, '  '))
  const counts = countInvoices()
  const once = names.filter((name) => counts.get(name) === 1).length
  printTitle(`${once} of ${installationCount} installations were billed exactly once`)
  if (once !== installationCount || counts.size !== installationCount) process.exitCode = 1
} finally {
  rmSync(temp, { recursive: true, force: true })
}
