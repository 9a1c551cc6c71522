// The job summary of one request.

import { type Family, isRefund } from '../../operations/operation.ts'
import { codeTag, definitionTable, type Html, html, prose, sandboxBanner, warningList } from './html.ts'
import type { RequestSummary, SummarySection } from './types.ts'

/** Loads the sections of a family: each is a chunk of its own. */
const sectionLoaders: Record<Family, () => Promise<Readonly<Record<string, SummarySection>>>> = {
  installation: async () => (await import('./installation.ts')).installationSections,
  sso: async () => (await import('./installation.ts')).ssoSections,
  resources: async () => (await import('./resources.ts')).resourceSections,
  billing: async () => (await import('./billing.ts')).billingSections,
  experimentation: async () => (await import('./experimentation.ts')).experimentationSections,
}

/**
 * GitHub accepts 1 MiB per step. No summary of real data is longer than this.
 * See https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
const maxSummaryChars = 900_000

/**
 * The job summary of one request.
 *
 * @returns one HTML block, which is valid Markdown
 */
export async function renderRequest(report: RequestSummary): Promise<string> {
  const { operation, warnings, failure } = report
  const sections = await sectionLoaders[operation.family]()
  const section = failure && report.result === undefined ? undefined : sections[operation.name]?.(report)
  const whole = html`
    <h3>${symbol(report)} ${operation.name}: ${report.status}</h3>
    ${requestBanner(report)}
    ${failure && failureSection(failure)}
    ${section}
    ${warningList(warnings)}
    ${requestDetails(report)}`
  return `${whole.markup.length > maxSummaryChars ? html`<h3>${symbol(report)} ${operation.name}: ${report.status}</h3>`.markup : whole.markup.trim()}\n\n`
}

/** The summary of a step that failed before its operation was known, or that has no request. */
export const renderFailure = (name: string, failure: NonNullable<RequestSummary['failure']>): string =>
  `${html`<h3>❌ ${name}: failed</h3>${failureSection(failure)}`.markup}\n\n`

const symbol = ({ failure, warnings, duplicate }: RequestSummary) => {
  if (failure) return '❌'
  return warnings.length > 0 || duplicate ? '⚠️' : '✅'
}

function requestBanner(report: RequestSummary): Html | undefined {
  const { operation, dryRun, sandbox, failure } = report
  if (dryRun && failure) return html`<p>A dry run: nothing was sent.</p>`
  if (dryRun) {
    const unread = 'The invoice was not read: what it has left to refund is checked before the refund is sent.'
    return html`<p>A dry run: the request was checked, and nothing was sent.${isRefund(operation) ? ` ${unread}` : ''}</p>`
  }
  return html`${duplicateBanner(report)}${sandbox ? sandboxBanner : undefined}`
}

function duplicateBanner({ operation, duplicate }: RequestSummary): Html | undefined {
  if (!duplicate) return undefined
  if (isRefund(operation)) return html`<p>The invoice already shows a refund with this reason. Nothing was sent.</p>`
  return duplicate === 'earlier'
    ? html`<p>The invoice was submitted before. Nothing was billed now.</p>`
    : html`<p>The first response was lost, and the invoice was submitted all the same. Nothing was billed twice.</p>`
}

function failureSection({ code: name, message, hint, problems }: NonNullable<RequestSummary['failure']>): Html {
  const items = problems.slice(0, 10).map((problem) => html`<li>${prose(problem)}</li>`)
  // A problem that is the message itself is not shown twice, and neither is a fix that the problems have.
  const isListed = problems.length > 0 && !(problems.length === 1 && problems[0] === message)
  const needsFix = hint && !problems.some((problem) => problem.includes(hint))
  return html`<p><b>${name}</b>: ${prose(message)}</p>${isListed && html`<ul>${items}${more(problems.length - 10)}</ul>`}${needsFix && html`<p>${sentences(hint)}</p>`}`
}

/** One line per sentence. */
const sentences = (hint: string) => hint.split(/(?<=\.) /).map((sentence) => html`${prose(sentence)}<br>`)

const more = (count: number) => (count > 0 ? html`<li>and ${count} more</li>` : undefined)

function requestDetails({ operation, params, httpStatus, requestId, attempts, ms }: RequestSummary): Html {
  const request = {
    Operation: codeTag(operation.sdkName),
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, codeTag(value)])),
    'HTTP status': httpStatus,
    'Request id': requestId ? codeTag(requestId) : undefined,
    Attempts: attempts,
    Time: ms === undefined ? undefined : `${ms} ms`,
  }
  return html`<details><summary>Request</summary>${definitionTable(request)}</details>`
}
