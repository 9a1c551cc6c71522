// Cases of single steps.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stateFile } from '../../src/sandbox/transport.ts'
import { changed, token } from '../../test/e2e/invoices.ts'
import type { Case, Trial } from './trial.ts'

const submit = { operation: 'submitInvoice', token }

async function invoiceIsSubmitted(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const step = await trial.run({ with: { ...submit, payload: changed({}), 'api-url': server.url } })
  assert.equal(step.code, 0)
  assert.equal(step.outputs.status, 'accepted')
  assert.equal(step.outputs.externalId, 'invoice-2041')
  assert.equal(step.outputs.amount, '3.75')
  assert.equal(typeof JSON.parse(step.outputs.result ?? ''), 'object')
  assert.deepEqual(step.errors, [])
  assert.match(step.summary, /3\.75/)
  assert.equal(server.arrivals.length, 1)
}

async function sandboxKeepsItsState(trial: Trial): Promise<undefined> {
  const shared = { temp: join(trial.folder, 'temp') }
  const sandbox = { token, 'api-url': 'sandbox' }
  const submitted = await trial.run({ ...shared, with: { ...submit, ...sandbox, payload: changed({}) } })
  assert.equal(submitted.outputs.status, 'accepted')
  assert.ok(existsSync(join(shared.temp, stateFile)), `${stateFile} does not exist`)
  const { invoiceId = '' } = submitted.outputs
  const payload = changed({}).replace(/,.*/, '}')
  const read = await trial.run({
    ...shared,
    with: { ...sandbox, operation: 'getInvoice', 'invoice-id': invoiceId, payload },
  })
  assert.equal(read.outputs.invoiceId, invoiceId)
  assert.equal(read.code, 0)
}

async function secretIsStored(trial: Trial): Promise<undefined> {
  const step = await trial.run({
    with: {
      operation: 'rotateInstallationCredential',
      'installation-id': 'icfg_rotation',
      payload: '{ "clientSecret": { "$env": "CLIENT_SECRET" } }',
      token,
      'api-url': 'sandbox',
      'store-secret': 'INSTALLATION_TOKEN',
      'github-token': 'github-token-of-the-sandbox',
      'revoke-previous': 'true',
    },
    env: { CLIENT_SECRET: 'client-secret-of-the-sandbox' },
  })
  assert.equal(step.code, 0)
  assert.equal(step.outputs.status, 'accepted')
  const { accessToken = '' } = step.outputs
  assert.ok(step.masks.includes(accessToken), 'the new token is not masked')
}

async function annotationHasForwardSlashes(trial: Trial): Promise<undefined> {
  const file = join('payloads', 'of march', 'invoice.json')
  const files = { [file]: changed({}).replace('"externalId"', '\n"externalID"') }
  const step = await trial.run({ with: { ...submit, 'payload-file': file, 'api-url': 'sandbox' }, files })
  assert.equal(step.code, 1)
  assert.equal(step.annotations.find(({ level }) => level === 'error')?.file, 'payloads/of march/invoice.json')
  const missing = join(trial.folder, 'missing', 'invoice.json')
  const unread = await trial.run({ with: { ...submit, 'payload-file': missing, 'api-url': 'sandbox' } })
  assert.equal(unread.annotations.find(({ level }) => level === 'error')?.file, missing.replaceAll('\\', '/'))
  assert.ok(unread.errors[0]?.includes(missing.slice(0, 20)), 'the message does not show the path as the step gives it')
}

async function referencedFileLosesItsLineEnd(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const step = await trial.run({
    with: {
      operation: 'updateResourceSecretsById',
      'resource-id': 'res_1',
      'installation-id': 'icfg_1',
      token,
      'payload-file': 'secrets.yml',
      'api-url': server.url,
    },
    files: {
      'secrets.yml': 'partial: true\r\nsecrets:\r\n  - name: KEY\r\n    value: { $file: key.txt }\r\n',
      'key.txt': 'secret-of-one-line\r\n',
    },
  })
  const [arrival] = server.arrivals
  assert.deepEqual(
    step.errors.slice(0, 1).filter((error) => !error.includes('404')),
    [],
  )
  assert.match(JSON.stringify(arrival?.body), /"value":"secret-of-one-line"/)
}

export const stepCases: readonly Case[] = [
  ['a step submits an invoice and sets its outputs', invoiceIsSubmitted],
  ['steps in the sandbox share its state file', sandboxKeepsItsState],
  ['a rotation in the sandbox stores the new token as a secret', secretIsStored],
  ['an annotation names its file with forward slashes', annotationHasForwardSlashes],
  ['a payload with CRLF and a file of a reference that ends in CRLF', referencedFileLosesItsLineEnd],
]
