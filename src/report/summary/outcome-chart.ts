// The chart of a batch's outcomes, as Mermaid in GitHub's colours.
// See https://primer.style/foundations/color and https://mermaid.js.org/syntax/pie.html

import type { Ledger } from '../../batch/journal/ledger.ts'

/** Readable on a light and on a dark page. */
const textColor = '#848d97'

/** @param left  records that were not started */
export function outcomeChart(
  { sent, alreadyThere, gone, rejected, unknown }: Ledger,
  left: number,
): string | undefined {
  const slices = [
    { name: 'sent', count: sent, color: '#1a7f37' },
    { name: 'there already', count: alreadyThere, color: '#0969da' },
    { name: 'gone', count: gone, color: '#8250df' },
    { name: 'failed', count: rejected, color: '#cf222e' },
    { name: 'unknown', count: unknown, color: '#bf8700' },
    { name: 'not started', count: left, color: '#59636e' },
  ].filter(({ count }) => count > 0)
  // A chart of one slice is useless.
  if (slices.length < 2) return undefined
  // Mermaid colours the slices by size, the largest first.
  const sorted = slices.toSorted((one, other) => other.count - one.count)
  const colors = Object.fromEntries(sorted.map(({ color }, index) => [`pie${index + 1}`, color]))
  const themeVariables = {
    ...colors,
    pieTitleTextColor: textColor,
    pieLegendTextColor: textColor,
    pieSectionTextColor: '#ffffff',
    pieStrokeColor: '#ffffff',
    pieOuterStrokeColor: textColor,
    pieOpacity: '1',
  }
  return [
    '```mermaid',
    `%%{init: ${JSON.stringify({ theme: 'base', themeVariables })}}%%`,
    'pie showData',
    ...sorted.map(({ name, count }) => `  "${name}" : ${count}`),
    '```',
  ].join('\n')
}
