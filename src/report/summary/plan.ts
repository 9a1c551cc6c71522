// The job summary of a plan: of a batch that was checked, and of which nothing was sent.

import { hasEarlierAmounts, type InstallationChange } from '../../batch/plan/compare.ts'
import { describeTests, describeWarningKind, nothingToCompare } from '../../batch/plan/describe-plan.ts'
import { type BrokenGuard, guardFixes, nounOf } from '../../batch/plan/guards.ts'
import type { NamedChange, NamedComparison } from '../../batch/plan/name-installations.ts'
import type { LargestRecord } from '../../batch/plan/plan.ts'
import type { GuardedPlan } from '../../batch/plan/start-plan.ts'
import { countOf, formatAmount, formatCount } from '../../format.ts'
import { codeTag, type Html, type HtmlContent, html, prose, table } from './html.ts'

/** What the summary of a plan shows. Secrets are already removed; all texts are untrusted. */
export interface PlanSummary {
  readonly plan: GuardedPlan
  /** The operation's name. */
  readonly name: string
  /** Records of the shard. */
  readonly total: number
  /** Whether the step was to send nothing anyway. */
  readonly dryRun: boolean
  readonly sandbox: boolean
  /** Why the step failed. */
  readonly failure: string | undefined
  /** Path of the report. */
  readonly reportFile: string | undefined
  /** Warnings that are not about records. */
  readonly warnings: readonly string[]
}

const maxShownWarnings = 10
const maxBarChars = 16

/** The job summary of a plan. @returns one HTML block, which is valid Markdown */
export function renderPlan(summary: PlanSummary): string {
  const { plan, name, failure, warnings, dryRun } = summary
  const { broken } = plan
  const comparison = plan.comparison && hasEarlierAmounts(plan.comparison) ? plan.comparison : undefined
  // A broken guard shows the same already.
  const isBroken = (name: BrokenGuard['guard']) => broken.some(({ guard }) => guard === name)
  const title = dryRun ? `Plan: ${name}` : `${name}: nothing was sent`
  const page = html`
    <h3>${failure === undefined ? '📋' : '❌'} ${title}</h3>
    ${broken.map(brokenSection)}
    ${failure !== undefined && broken.length === 0 ? html`<p>${prose(failure)}</p>` : undefined}
    ${totals(summary)}
    ${plan.comparison && !comparison ? html`<p>${capitalized(nothingToCompare)}.</p>` : undefined}
    ${comparison && comparisonTable(comparison)}
    ${comparison && !isBroken('max-change') ? changesTable(comparison) : undefined}
    ${largestTable(plan.largest)}
    ${comparison && installationList('New installations', comparison.newest, comparison.groups.new.installations)}
    ${comparison && installationList('Missing installations', comparison.missing, comparison.groups.missing.installations)}
    ${planWarnings(plan, warnings)}
    ${isBroken('expect-digest') ? undefined : approval(summary)}`
  return `${page.markup.trim()}\n\n`
}

function brokenSection({ guard, limit, statement, findings, count }: BrokenGuard): Html {
  const rows = findings.map(({ line, installation, amount, earlier }) => [
    formatCount(line),
    codeTag(installation),
    formatAmount(amount),
    earlier === undefined ? '' : formatAmount(earlier),
    earlier === undefined ? '' : changeText(amount, earlier),
  ])
  const more = count - findings.length
  return html`<p>❌ ${codeTag(guard)} ${guard === 'expect-digest' ? codeTag(limit) : limit}: ${prose(statement)}. Nothing was sent. ${prose(guardFixes[guard])}.</p>
    ${rows.length > 0 ? table(['Line>', 'Installation', 'Amount>', 'Last time>', 'Change>'], rows) : undefined}
    ${more > 0 ? html`<p>and ${formatCount(more)} more</p>` : undefined}`
}

function totals({ plan, total, dryRun, sandbox }: PlanSummary): Html {
  const { records, installations, amount, tests } = plan
  const parts = [
    countOf(records, nounOf(plan)),
    ...(installations > 0 ? [countOf(installations, 'installation')] : []),
    ...(amount === undefined ? [] : [`total ${formatAmount(amount)}`]),
  ]
  const shard = total === records ? undefined : html` ${formatCount(total)} of the records are in this shard.`
  const place = sandbox ? html` The step uses the sandbox.` : undefined
  return html`<p><b>${parts.join(' · ')}</b>${amount === undefined ? undefined : html` (currencies not distinguished)`}</p>
    ${tests > 0 ? html`<p>${describeTests(tests)}. The plan counts test invoices like others.</p>` : undefined}
    ${dryRun ? html`<p>A dry run: every record of the file was checked, and nothing was sent.${shard}${place}</p>` : undefined}`
}

function comparisonTable({ groups, percent }: NamedComparison): Html {
  const row = (
    title: string,
    { installations, amount }: { installations: number; amount: string },
    isChange = false,
  ) => [title, formatCount(installations), isChange ? signed(amount) : formatAmount(amount)]
  return table(
    ['Compared with the earlier batch', 'Installations>', 'Amount>'],
    [
      row(`Unchanged (within ${percent} %)`, groups.unchanged),
      row('Up', groups.up, true),
      row('Down', groups.down, true),
      row('New', groups.new),
      row('Missing', groups.missing, true),
    ],
  )
}

/** The largest changes with a bar for each, which is text so that it looks right in light and dark. */
function changesTable({ largest }: NamedComparison): Html | undefined {
  if (largest.length === 0) return undefined
  const max = Math.max(...largest.map(({ difference }) => Math.abs(Number(difference))))
  const rows = largest.map((change: NamedChange) => {
    const share = max > 0 ? Math.abs(Number(change.difference)) / max : 0
    return [
      change.line > 0 ? formatCount(change.line) : '',
      codeTag(change.installation),
      planAmount(change.earlier),
      planAmount(change.planned),
      html`<b>${changeText(change.planned ?? '0', change.earlier ?? '0')}</b>`,
      bar(share, change),
    ]
  })
  return html`<h4>Largest changes</h4>
    ${table(['Line>', 'Installation', 'Last time>', 'Now>', 'Change>', ''], rows)}`
}

const bar = (share: number, { kind }: InstallationChange) =>
  (kind === 'down' ? '░' : '█').repeat(Math.max(1, Math.round(share * maxBarChars)))

function largestTable(largest: readonly LargestRecord[]): Html | undefined {
  if (largest.length === 0) return undefined
  const rows = largest.map(({ line, installation, amount, installationAmount = amount, earlier }) => [
    formatCount(line),
    codeTag(installation),
    installationAmount === amount
      ? formatAmount(amount)
      : html`${formatAmount(amount)}<br><sub>of ${formatAmount(installationAmount)}</sub>`,
    planAmount(earlier),
    earlier === undefined ? '' : changeText(installationAmount, earlier),
  ])
  const title = largest.length === 1 ? 'Largest' : `Largest ${largest.length}`
  return html`<h4>${title}</h4>
    ${table(['Line>', 'Installation', 'Amount>', 'Last time>', 'Change>'], rows)}`
}

function installationList(title: string, changes: readonly NamedChange[], count: number): Html | undefined {
  if (changes.length === 0) return undefined
  const rows = changes.map(({ line, installation, planned, earlier }) => [
    line > 0 ? formatCount(line) : '',
    codeTag(installation),
    planAmount(planned),
    planAmount(earlier),
  ])
  const more = count - changes.length
  return html`<details><summary>${title}: ${formatCount(count)}</summary>
    ${table(['Line>', 'Installation', 'Amount>', 'Last time>'], rows)}
    ${more > 0 ? html`<p>and ${formatCount(more)} more</p>` : undefined}</details>`
}

function planWarnings({ warnings: kinds }: GuardedPlan, others: readonly string[]): Html | undefined {
  if (kinds.length + others.length === 0) return undefined
  const texts = [...others.slice(0, maxShownWarnings), ...kinds.slice(0, maxShownWarnings).map(describeWarningKind)]
  const more = others.length + kinds.length - texts.length
  return html`<h4>Warnings</h4>
    <ul>${texts.map((text) => html`<li>⚠️ ${prose(text)}</li>`)}${more > 0 ? html`<li>and ${more} more</li>` : undefined}</ul>`
}

function approval({ plan, reportFile, failure }: PlanSummary): Html {
  const report =
    reportFile === undefined ? undefined : html`<p>All records are in the report ${codeTag(reportFile)}.</p>`
  // GitHub shows a button that copies a block of code.
  const digest =
    failure === undefined
      ? html`<p>To send exactly this, set</p><pre>expect-digest: ${plan.digest}</pre>`
      : html`<p>The digest of this batch: ${codeTag(plan.digest)}</p>`
  return html`${digest}
    ${report}`
}

const capitalized = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const planAmount = (amount: string | undefined): HtmlContent => (amount === undefined ? '' : formatAmount(amount))

const signed = (amount: string) =>
  !/[1-9]/.test(amount) || amount.startsWith('-') ? formatAmount(amount) : `+${formatAmount(amount)}`

/** `× 50`, `+12 %` or `−30 %`. */
function changeText(planned: string, earlier: string): string {
  const [now, before] = [Number(planned), Number(earlier)]
  if (now === before) return '±0 %'
  if (before <= 0) return `from ${formatAmount(earlier)}`
  const ratio = now / before
  if (ratio >= 2) return `× ${formatCount(ratio >= 10 ? Math.round(ratio) : Math.round(ratio * 10) / 10)}`
  const percent = Math.round((ratio - 1) * 100)
  // Only what is free now has changed by 100 %.
  if (percent === -100 && now > 0) return `−${Math.min(99.9, Math.round((1 - ratio) * 1000) / 10)} %`
  if (percent === 0) return ratio > 1 ? '< +1 %' : '< −1 %'
  return percent > 0 ? `+${percent} %` : `−${-percent} %`
}
