// Shows what a workflow gets from the action: it submits an invoice to the sandbox, reads it until it is paid, and
// partially refunds it. It needs no account and sends nothing over the network. `npm run demo`

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoStep, folder, printNext, printStep, printSummary, printTitle, runStep } from './demo-step.ts'

const examples = join(import.meta.dirname, '..', 'examples')
const one = { token: 'any-token', 'installation-id': 'icfg_demo' }

function requireSuccess(step: DemoStep): DemoStep {
  if (!step.isSuccess) throw new Error(step.outputs.errorMessage)
  return step
}

const seconds = () => `${(performance.now() / 1000).toFixed(1)} s`

copyFileSync(join(examples, 'invoice.json'), join(folder, 'invoice.json'))
const mistyped = readFileSync(join(examples, 'invoice.json'), 'utf8').replace('"externalId"', '"externalID"')
writeFileSync(join(folder, 'mistyped.json'), mistyped)

printTitle('An invoice, from the check to a refund, in the sandbox')
const refused = await runStep({ ...one, operation: 'submitInvoice', 'payload-file': 'mistyped.json' })
if (refused.isSuccess) throw new Error('A mistyped field was accepted')
printStep('refused', 'submitInvoice with a mistyped field', refused.outputs.errorMessage?.split(' (')[0])

const submitted = requireSuccess(await runStep({ ...one, operation: 'submitInvoice', 'payload-file': 'invoice.json' }))
const { invoiceId = '', externalId, amount } = submitted.outputs
printStep('done', 'submitInvoice', `${submitted.outputs.status}: ${amount}, externalId ${externalId}, ${invoiceId}`)

const again = await runStep({ ...one, operation: 'submitInvoice', 'payload-file': 'invoice.json' })
if (again.isSuccess) throw new Error('An invoice was accepted twice')
printStep('refused', 'submitInvoice, once more', 'already submitted: the customer is not billed twice')

const get = { ...one, operation: 'getInvoice', 'invoice-id': invoiceId }
const states: string[] = []
while (states.at(-1) !== 'paid' && states.length < 10) {
  states.push(requireSuccess(await runStep(get)).outputs.status ?? '')
}
printStep('done', `getInvoice, ${states.length} times`, states.join(' → '))

const payload = JSON.stringify({ action: 'refund', reason: 'Storage was down for a day', total: '10.00' })
const refund = requireSuccess(await runStep({ ...one, operation: 'updateInvoice', 'invoice-id': invoiceId, payload }))
printStep('done', 'updateInvoice', `refund of ${refund.outputs.amount}: ${refund.outputs.status}`)

const last = requireSuccess(await runStep(get))
printStep('done', 'getInvoice', last.outputs.status)

printTitle('The job summary of the last step')
printSummary(last.summary)
printStep('done', `Done in ${seconds()}`, 'no account was touched, and no customer was billed')
printNext([
  ['npm run demo:billing', 'a month of 2,000 customers: plan, limits, kill, resume, report, follow-up'],
  ['examples/operations/', 'a payload for each operation'],
  ['README.md', 'the same steps in a workflow'],
  ['npm run sandbox', 'the sandbox as a server, for your own programs'],
])
