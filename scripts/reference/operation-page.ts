// The generated part of an operation's page in docs/reference.

import type { Operation } from '../../src/operations/catalogue.ts'
import { existsAlready, isGone } from '../../src/operations/definition.ts'
import { isRefund, onlyReads } from '../../src/operations/operation.ts'
import { failuresWith, failureTable } from './failure-table.ts'
import { fieldTable } from './field-table.ts'
import {
  batchInputsOf,
  commonInputs,
  inputsOfOwn,
  inputTable,
  type OwnName,
  outputTable,
  ownInputsOf,
} from './input-table.ts'
import { code, listed, table } from './markdown.ts'
import { operationWorkflow } from './operation-workflow.ts'

/** Whether the action retries a request after an attempt with an unknown outcome, for tables. */
export const retryTexts = { idempotent: 'yes', 'idempotency-key': 'with an `externalId`', unsafe: 'never' }

/** The values that the output `status` of an operation can have. */
function statusesOf({ statusField, statusOf, canWait, retry }: Operation): string {
  if (statusField) return statusField.meaning
  return [
    '`accepted`',
    ...(retry === 'idempotency-key' ? ['`duplicate`'] : []),
    ...(statusOf ? ['`validated` in test mode with `validate`'] : []),
    ...(canWait ? ["with `wait-for` the invoice's state"] : []),
  ].join(', ')
}

const commonOutputs = [
  'operation',
  'status',
  'result',
  'httpStatus',
  'requestId',
  'attempts',
  'errorCode',
  'errorMessage',
]

/** The outputs of an operation that not every operation has. */
const extraOutputsOf = ({ hasInvoice, returnsInvoice, retry, money, issues = [] }: Operation): string[] => [
  'digest',
  ...(money ? ['amount'] : []),
  ...(hasInvoice ? ['invoiceId'] : []),
  ...(returnsInvoice || retry === 'idempotency-key' ? ['externalId'] : []),
  ...issues,
]

const batchOutputs = ['total', 'succeeded', 'failed', 'skipped', 'journalFile', 'reportFile']

function facts(operation: Operation): string {
  const { name, sdkName, id, method, path, retry, anonymous, batchProblem, successor } = operation
  const names = [...(sdkName === name ? [] : [code(sdkName)]), code(id)].join(', ')
  return table(
    ['', ''],
    [
      ['other names', names],
      ...(successor ? [['deprecated', `use [${successor}](${successor}.md)`]] : []),
      ['request', `\`${method} ${path}\`${anonymous ? ', without a `token`' : ''}`],
      ['`status`', statusesOf(operation)],
      ['retried after a lost response', retryTexts[retry]],
      ['in a batch', batchProblem === undefined ? 'yes' : `no: ${batchProblem}`],
      ['payload', `[example](../../examples/operations/${name}.yml), [JSON Schema](../../schemas/${name}.json)`],
    ],
  )
}

const lost = 'a lost response, a time-out, or 500, 502, 503 or 504'

/** What retries do. */
function retryText(operation: Operation): string {
  const always = 'The action always retries after a 429, and if no connection could be opened: nothing was done then.'
  return [always, ...ambiguousText(operation), ...proofTexts(operation)].join(' ')
}

/** What the action does after an attempt with an unknown outcome. */
function ambiguousText(operation: Operation): string[] {
  if (operation.retry === 'idempotent') {
    const why = onlyReads(operation) ? 'the operation only reads' : 'a repeated request does no harm'
    return [`It also retries after ${lost}: ${why}.`]
  }
  if (operation.retry === 'idempotency-key') {
    return [
      `With an \`externalId\` it also retries after ${lost}, with the same \`externalId\`: Vercel accepts it once.`,
      'Without one (`external-id: none`) it does not, and fails with `outcome_unknown`.',
    ]
  }
  const never = `It never retries after ${lost}, because a second request would have a second effect.`
  if (isRefund(operation)) {
    return [
      never,
      'Instead it reads the invoice to find out whether the refund arrived. If that cannot be known, the step fails with `outcome_unknown`.',
    ]
  }
  return [
    never,
    `The step fails with \`outcome_unknown\`. ${operation.unknownOutcomeAdvice({ params: {}, body: {} })}.`,
  ]
}

/** Which refusals prove that an earlier attempt arrived. */
function proofTexts({ name, retry, arrivalProofs = [] }: Operation): string[] {
  if (retry === 'idempotency-key') {
    return [
      'A 409 on a retry that says that the invoice exists proves that an earlier attempt arrived: the step succeeds with `status` `duplicate`.',
    ]
  }
  if (arrivalProofs.includes(isGone)) return ['A 404 on a retry that says that the thing is gone is a success.']
  if (arrivalProofs.includes(existsAlready)) return ['A 409 on a retry that says that the thing exists is a success.']
  return name === 'finalizeInstallation'
    ? ['It ends the token, so a 401, 403 or 410 on a retry after a lost response is a success.']
    : []
}

/** Which inputs the operation uses: a table of its own ones, and the names of the others. */
function inputSection(operation: Operation): string {
  const batch = batchInputsOf(operation)
  const own = ownInputsOf(operation)
  return [
    ...(own.length === 0 ? [] : [inputTable(own), '']),
    `Every operation also uses ${listed(commonInputs)}.`,
    ...(batch.length === 0 ? [] : [`In a [batch](../batches.md) it uses ${listed(batch)} too.`]),
    'All inputs with their defaults: [inputs](inputs.md).',
  ].join('\n')
}

const outputSection = (operation: Operation): string =>
  [
    outputTable(extraOutputsOf(operation)),
    '',
    `Every operation also sets ${listed(commonOutputs)}.`,
    ...(operation.batchProblem === undefined ? [`A [batch](../batches.md) sets ${listed(batchOutputs)} too.`] : []),
    'All outputs: [outputs](outputs.md).',
  ].join('\n')

/** The generated part of the page of an operation. */
export const describeOperation = (operation: Operation): string =>
  [
    facts(operation),
    '\n## Workflow\n',
    '```yaml',
    operationWorkflow(operation),
    '```',
    '\n## Fields\n',
    'The fields of the [payload](../payloads.md). Times are RFC 3339 with `Z` or an offset.\n',
    fieldTable(operation),
    '\n## Inputs\n',
    inputSection(operation),
    '\n## Outputs\n',
    outputSection(operation),
    '\n## Retries\n',
    `${retryText(operation)} See [delivery](../delivery.md).`,
    '\n## Why it fails\n',
    failureTable(operation),
    '\nAll codes: [troubleshooting](../troubleshooting.md).',
  ].join('\n')

const ownOutputs = {
  mergeJournals: [
    'status',
    'result',
    'amount',
    'total',
    'succeeded',
    'failed',
    'skipped',
    'reportFile',
    'errorCode',
    'errorMessage',
  ],
  trackInvoices: ['status', 'result', 'amount', 'total', 'paid', 'unpaid', 'reportFile', 'errorCode', 'errorMessage'],
} as const satisfies Record<OwnName, readonly string[]>

const ownFailures = {
  mergeJournals: ['journal_unusable', 'batch_failed', 'report_failed'],
  trackInvoices: [
    'journal_unusable',
    'token_missing',
    'invoices_unreadable',
    'no_invoice',
    'state_found',
    'wait_timeout',
    'state_unreachable',
    'throttled',
    'report_failed',
  ],
} as const satisfies Record<OwnName, Parameters<typeof failuresWith>[0]>

/** The generated part of the page of an operation of ours. */
export const describeOwnOperation = (name: OwnName): string =>
  [
    '## Inputs\n',
    inputTable(inputsOfOwn(name)),
    '\n## Outputs\n',
    outputTable(ownOutputs[name]),
    '\n## Why it fails\n',
    failuresWith(ownFailures[name]),
    '\nAll codes: [troubleshooting](../troubleshooting.md).',
  ].join('\n')
