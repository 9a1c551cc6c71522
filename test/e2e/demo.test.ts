// Runs the demos as a person does, and reads what they print.

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../docs/links.ts'

async function runDemo(args: readonly string[], env: Record<string, string>) {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const options = { cwd: root, env: { PATH, NODE_COMPILE_CACHE, ...env } }
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { output, errors, code: child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve))) }
}

// Each demo runs ten processes, one after the other.
const timeout = 90_000

const markup = /<\/?[a-z]\w*|&[a-z]+;|::/

test('npm run demo shows an invoice from the check to the refund, a line per step, as plain text', {
  timeout,
}, async () => {
  const { output, errors, code } = await runDemo(['scripts/demo.ts'], { NO_COLOR: '1' })
  expect({ errors, code }).toEqual({ errors: '', code: 0 })
  expect(output.split('\n').filter((line) => /^ [✓✗]/.test(line))).toEqual([
    expect.stringMatching(/^ ✗ submitInvoice with a mistyped field .*did you mean `externalId`/),
    expect.stringMatching(/^ ✓ submitInvoice .*accepted: 50\.00/),
    expect.stringMatching(/^ ✗ submitInvoice, once more /),
    expect.stringMatching(/^ ✓ getInvoice, 3 times .*pending → invoiced → paid/),
    expect.stringMatching(/^ ✓ updateInvoice .*refund of 10\.00: accepted/),
    expect.stringMatching(/^ ✓ getInvoice .*refund_requested/),
    expect.stringMatching(/^ ✓ Done/),
  ])
  expect(output).toContain(' │ Compute                          db-orders  744 hours   0.04   29.76')
  expect(output).toMatch(/What next\n +npm run demo:billing/)
  expect(output).not.toMatch(markup)
  expect(stripVTControlCharacters(output)).toBe(output)
})

test('npm run demo:billing plans, kills, resumes and follows a month of invoices, in colour', { timeout }, async () => {
  const { output, errors, code } = await runDemo(['scripts/demo-billing.ts', '--customers', '60'], { FORCE_COLOR: '1' })
  expect({ errors, code }).toEqual({ errors: '', code: 0 })
  const shown = stripVTControlCharacters(output)
  expect(shown).not.toBe(output)
  expect(shown).not.toMatch(markup)
  expect(shown).toContain('max-amount 500.00: 1 invoice is above it. Nothing was sent.')
  expect(shown).toContain('✅ submitInvoice: 60 of 60 sent')
  expect(shown).toContain('60 of 60 installations are billed exactly once')
  expect(shown).toMatch(/line,id,installation,externalId,.*\n +1,,icfg_demo0001,/)
  expect(shown).toMatch(/trackInvoices +\w+: \d+ of 60 are paid/)
})
