// The job summary of one request.

import type { Family } from '../../operations/operation.ts'
import { codeTag, definitionTable, type Html, html, sandboxBanner } from './html.ts'
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
    ${warnings.length > 0 ? html`<ul>${warnings.slice(0, 10).map((text) => html`<li>⚠️ ${text}</li>`)}${more(warnings.length - 10)}</ul>` : undefined}
    ${requestDetails(report)}`
  return `${whole.markup.length > maxSummaryChars ? html`<h3>${symbol(report)} ${operation.name}: ${report.status}</h3>`.markup : whole.markup.trim()}\n\n`
}

const symbol = ({ failure, warnings, status }: RequestSummary) => {
  if (failure) return '❌'
  return warnings.length > 0 || status === 'duplicate' ? '⚠️' : '✅'
}

function requestBanner({ dryRun, sandbox, status }: RequestSummary): Html | undefined {
  if (dryRun) return html`<p>A dry run: everything was checked, and nothing was sent.</p>`
  if (status === 'duplicate')
    return html`<p>It was done before: the invoice was already submitted, or already shows this refund. Nothing was billed or paid back twice.</p>`
  return sandbox ? sandboxBanner : undefined
}

function failureSection({ code: name, message, hint, problems }: NonNullable<RequestSummary['failure']>): Html {
  if (problems.length === 0)
    return html`<p><b>${name}</b>: ${message}</p>${hint ? html`<p>${sentences(hint)}</p>` : undefined}`
  return html`<p><b>${name}</b>: ${message}</p><ul>${problems.slice(0, 10).map((problem) => html`<li>${problem}</li>`)}${more(problems.length - 10)}</ul>`
}

/** One line per sentence, because a single text is cut after 200 characters. */
const sentences = (hint: string) => hint.split(/(?<=\.) /).map((sentence) => html`${sentence}<br>`)

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
