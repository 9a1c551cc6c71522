// The register of failures: every code with its meaning and its remedy. docs/troubleshooting.md is generated from it, and
// no other code can be thrown. A step loads it only when it explains an HTTP error. The file is longer than a page
// because it is one table.

interface FailureMeaning {
  /** What happened: a clause for the documentation. */
  readonly meaning: string
  /** What to do: a sentence without its full stop. */
  readonly remedy: string
}

/** Each code with what it means and what to do. */
export const failures = {
  invalid_input: {
    meaning: 'an input is missing, wrong, or not used by the operation; nothing was sent',
    remedy: 'Fix the inputs that the annotations name',
  },
  unknown_operation: {
    meaning: 'there is no operation with this name; nothing was sent',
    remedy: 'Use a name from docs/operations.md; the message suggests the nearest one',
  },
  invalid_payload: {
    meaning: 'the payload, or a line of the batch, is wrong; nothing was sent',
    remedy: 'Fix what the annotations report: each names the place and the fix',
  },
  amount_exceeded: {
    meaning: 'a request, or a record of the batch, moves more money than `max-amount` allows; nothing was sent',
    remedy: 'Correct the amount that the annotation names, or raise `max-amount`',
  },
  total_exceeded: {
    meaning: 'the batch adds up to more money than `max-total` allows; nothing was sent',
    remedy: 'Correct the amounts, or raise `max-total`; the largest ones are in the summary',
  },
  change_exceeded: {
    meaning:
      'the amount of an installation differs from the one in `compare-with` by more than `max-change` percent; nothing was sent',
    remedy: 'Correct the amounts that the annotations name, or raise `max-change`',
  },
  comparison_unusable: {
    meaning: 'a journal of `compare-with` does not exist, cannot be read, or is of another operation; nothing was sent',
    remedy: 'Give the journals of an earlier batch of the same operation; in the first month use a glob',
  },
  report_failed: {
    meaning: 'the file of `report-file` could not be written; the message says whether records were sent',
    remedy: 'Give a path in a folder that can be written, and free disk space',
  },
  digest_mismatch: {
    meaning: 'the request, or the batch, is not the one that `expect-digest` approves; nothing was sent',
    remedy: 'Compare it with the approved one, then approve the digest that the message shows',
  },
  http_2xx: {
    meaning: 'the response to a read is not one of the API: an HTML page of a proxy, or an error in a 2xx response',
    remedy: 'Check `api-url` and the proxy, then run the step again',
  },
  http_3xx: {
    meaning: 'a redirect; it is not followed, because the token would be sent to another address',
    remedy: 'Set `api-url` to the API itself',
  },
  http_401: {
    meaning: 'Vercel does not accept the token',
    remedy:
      "The token must be this installation's credentials.access_token, as Vercel handed it over when the integration was installed, not a personal token, and not revoked",
  },
  http_402: {
    meaning: 'Vercel requires a payment, or a valid payment method of the customer, before it accepts the request',
    remedy: "Read Vercel's message and settle the payment with the customer, then run the step again: nothing was done",
  },
  http_403: {
    meaning: 'the token is not allowed to do this',
    remedy:
      "The token must be this installation's credentials.access_token, as Vercel handed it over when the integration was installed, not a personal token, and not revoked",
  },
  http_404: {
    meaning: 'an id is not one of this installation',
    remedy: 'Check the ids: they must belong to this installation. A token is valid for its own installation only',
  },
  http_409: {
    meaning: 'the request conflicts with what Vercel has, such as an invoice with the same `externalId`',
    remedy: 'Read the current state at Vercel before you send it again',
  },
  http_410: {
    meaning: 'the installation or resource was deleted',
    remedy:
      'It was deleted, so no request about it can succeed: remove it from your list, or in a batch that sends requests set `on-gone: skip`',
  },
  http_413: { meaning: 'the request is too large', remedy: 'Split the request' },
  http_429: {
    meaning: 'the rate limit was reached',
    remedy: 'Run the step again later, or send fewer requests at once',
  },
  http_4xx: { meaning: 'another refusal by Vercel', remedy: "Read the message: it is Vercel's own" },
  http_5xx: {
    meaning: 'a failure at Vercel',
    remedy: 'The fault is with Vercel: see https://www.vercel-status.com',
  },
  validation_failed: {
    meaning: 'Vercel found errors in a test invoice',
    remedy: 'Fix what the annotations report: each is an error that Vercel found',
  },
  not_revoked: {
    meaning: 'Vercel answered a revocation without confirming it, so the token may still be valid',
    remedy: 'Run the step again: revoking a token twice does no harm',
  },
  refund_present: {
    meaning: 'the invoice already shows a refund with the same reason; nothing was sent',
    remedy: 'Set `on-duplicate: succeed` if it is the same refund, or `send` if it is another one',
  },
  refund_too_large: {
    meaning: 'the refund is more than the invoice has left; nothing was sent',
    remedy: 'Lower the refund to what the invoice has left',
  },
  duplicate_without_id: {
    meaning:
      'the invoice exists already, and Vercel does not return its id, so the step cannot wait; nothing was billed twice',
    remedy: 'Wait with getInvoice and the invoiceId of the first submission',
  },
  accepted_without_id: {
    meaning: 'Vercel accepted the invoice, but its response has no `invoiceId`, so the step cannot wait',
    remedy: 'Do not send the request again: find the id of the invoice at Vercel, and wait with getInvoice',
  },
  outcome_unknown: {
    meaning: 'the response was lost, and repeating the request could do harm: bill, refund or rotate twice',
    remedy: 'Find out at Vercel whether the request arrived before you run the step again; the message says where',
  },
  unopened: {
    meaning:
      'no connection could be opened; nothing was sent. A batch waits for the host for up to `retry-timeout`, and its other records are not started',
    remedy:
      'Check the host name, the proxy (`HTTPS_PROXY`) and the certificates (`NODE_EXTRA_CA_CERTS`); the message says which',
  },
  timeout: {
    meaning: 'no complete response came in time, and repeating the request is safe',
    remedy: 'Run the step again, or raise `attempt-timeout`',
  },
  broken: {
    meaning: 'the connection broke before the response was complete, and repeating the request is safe',
    remedy: 'Run the step again',
  },
  garbage: {
    meaning: 'the response was not HTTP, and repeating the request is safe',
    remedy: 'Check `api-url` and the proxy, then run the step again',
  },
  throttled: {
    meaning:
      "Vercel's rate limit lasts longer than `retry-timeout`; nothing was done. In a batch, the limit of one installation fails its records alone, and one that all installations share ends the batch",
    remedy: 'Run the step again after the time in the message, or raise `retry-timeout`',
  },
  cancelled: {
    meaning: 'the step was cancelled',
    remedy: 'Run the step again; a batch resumes from its journal',
  },
  wait_timeout: {
    meaning: 'an invoice did not reach the wanted state in time; the request itself was accepted',
    remedy: 'Do not send the request again: keep waiting with getInvoice or trackInvoices, and `wait-for`',
  },
  state_unreachable: {
    meaning: 'an invoice cannot reach the wanted state any more; the request itself was accepted',
    remedy: 'Do not send the request again: look at the state in the message',
  },
  state_found: {
    meaning: 'an invoice is in a state that `fail-on` names',
    remedy: 'Look at the invoices that the summary lists; do not submit them again',
  },
  invoices_unreadable: {
    meaning: 'an invoice of the journals could not be read, so its state is not known',
    remedy: 'Fix what the annotations and the summary report, and run the step again: it only reads',
  },
  token_missing: {
    meaning: 'the installation of an invoice has no token, so the invoice could not be read',
    remedy: 'Add the installation to `tokens` or `tokens-file`, or set `token`',
  },
  no_invoice: {
    meaning: 'the response to getInvoice is not the invoice that was asked for',
    remedy: 'Check `api-url` and the proxy, then run the step again',
  },
  no_token: {
    meaning: 'Vercel accepted a rotation, but the response contains no new token',
    remedy: 'The current token still works: run the step again',
  },
  store_failed: {
    meaning: 'the new token could not be written to `new-tokens-file`; nothing was revoked',
    remedy: 'Make the file writable and run the step again; the message says which token works',
  },
  github_refused: {
    meaning: 'GitHub refused to store the new token; nothing was revoked',
    remedy: 'Give `github-token` the permission that the message names; the message says which token works',
  },
  github_unreachable: {
    meaning: 'GitHub did not respond, so the new token could not be stored; nothing was revoked',
    remedy: 'Run the step again; the message says which token works',
  },
  batch_failed: {
    meaning: 'some records of the batch failed',
    remedy: 'Fix what the annotations report, and run the batch again with the same journal',
  },
  too_many_failures: {
    meaning: '`max-failures` was reached',
    remedy: 'Fix what the annotations report, and run the batch again with the same journal',
  },
  batch_changed: {
    meaning: 'the batch file was changed while it was read; the batch stopped',
    remedy:
      'Restore the file, let nothing change it while the batch runs, and run the batch again with the same journal',
  },
  file_in_use: {
    meaning: 'another run writes to the file of `new-tokens-file`; nothing was sent',
    remedy: 'Wait until that run has ended, or give each run its own `new-tokens-file`',
  },
  journal_unusable: {
    meaning: 'the journal belongs to another batch, is damaged, is in use, or cannot be opened; nothing was sent',
    remedy: 'Do what the message says: give another `journal-file`, restore an intact copy, or wait for the other run',
  },
  journal_failed: {
    meaning: 'the journal could not be written, or another process changed it; the batch stopped',
    remedy: 'Do what the message says, such as free disk space, and run the batch again with the same journal',
  },
  output_failed: {
    meaning: 'an output could not be written; the message says whether a request was sent, and what happened',
    remedy: 'Free disk space on the runner. Before you run the step again, read in the log what was sent',
  },
  internal_error: {
    meaning: 'the action itself failed',
    remedy: 'Please report it, with the log of a run with debug logging',
  },
} as const satisfies Record<string, FailureMeaning>

/** The register's entry for an HTTP status: its own, or that of its class. */
export function httpFailure(status: number): FailureMeaning {
  const register: Readonly<Record<string, FailureMeaning>> = failures
  return register[`http_${status}`] ?? register[`http_${String(status)[0]}xx`] ?? failures.http_5xx
}
