// A step in process gives the tests what a process gives them.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { changed, item, token } from './invoices.ts'
import { runStep, runStepInProcess, type StepOptions } from './step.ts'

const secret = 'first-Line-4Tg7%\r\nsecond-Line-9Kw2'

const cases: [string, StepOptions, (log: string) => boolean][] = [
  [
    'annotations with a file, a line and a column',
    {
      with: { operation: 'submitInvoice', 'payload-file': 'a,b.json', token },
      files: { 'a,b.json': changed({ items: [{ ...item, total: 3.75 }], 'memo: 100%': 'a' }) },
    },
    (log) => /::error .*file=a%2Cb\.json,line=1,col=\d+::.*100%25/.test(log),
  ],
  [
    'masks of several lines, and a warning',
    {
      with: {
        operation: 'updateResourceSecrets',
        'installation-id': 'icfg_1',
        'resource-id': 'db-1',
        payload: JSON.stringify({ secrets: [{ name: 'URL', value: secret }] }),
        token,
        'dry-run': 'true',
      },
      env: { RUNNER_DEBUG: '1' },
    },
    (log) => log.includes('::add-mask::first-Line-4Tg7%25%0D%0Asecond-Line-9Kw2\n') && log.includes('::warning '),
  ],
  [
    'lines of debug logging, and outputs',
    {
      with: {
        operation: 'getAccountInfo',
        'batch-file': 'b.ndjson',
        'journal-file': 'journal.ndjson',
        token,
        'max-attempts': '1',
      },
      files: { 'b.ndjson': '{"integrationConfigurationId":"icfg_1"}\n' },
      env: { RUNNER_DEBUG: '1' },
    },
    (log) => /^::debug::line 1: < 500 /m.test(log),
  ],
]

test.each(cases)('%s', async (_, options, isShown) => {
  const server = createServer((_, outgoing) => outgoing.writeHead(500, { 'x-vercel-id': 'fra1::a-1' }).end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const given = { ...options, with: { ...options.with, 'api-url': url } }
  const [built, inProcess] = (await Promise.all([runStep(given), runStepInProcess(given)])).map((step) =>
    JSON.stringify(step, null, 2).replace(/\bstep-\w+|\b[\d,.]+( m?s|\/s)\b/g, '…'),
  )
  expect(isShown(JSON.parse(built ?? '').log)).toBe(true)
  expect(inProcess).toBe(built)
})
