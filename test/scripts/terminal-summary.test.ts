import { expect, test } from 'vitest'
import { displayWidth, renderSummary, type Style } from '../../scripts/terminal-summary.ts'
import { html, table } from '../../src/report/summary/html.ts'

const plain: Style = (_, text) => text
const tagged: Style = (format, text) => `<${format}>${text}</>`
const render = (summary: string, style = plain) => renderSummary(summary, style).join('\n')

test('the columns of a table are aligned, numbers to the right, whatever characters the cells have', () => {
  const { markup } = table(
    ['State', 'Invoices>', 'Amount>'],
    [
      ['✅ paid', '2,911', '139,004.10'],
      ['⚠️ 未払い', '3', '416.00'],
      ['overdue', '12', '1.00'],
    ],
  )
  expect(render(markup)).toBe(
    [
      'State      Invoices      Amount',
      '✅ paid       2,911  139,004.10',
      '⚠️ 未払い         3      416.00',
      'overdue          12        1.00',
    ].join('\n'),
  )
})

test('styles do not change the width of a column', () => {
  const { markup } = table(
    ['Id', 'Amount>'],
    [
      [html`<code>a</code>`, '1.00'],
      ['abc', '22.00'],
    ],
  )
  expect(render(markup, tagged)).toBe('<dim>Id</>   <dim>Amount</>\n<cyan>a</>      1.00\nabc   22.00')
})

test('the last column of a table is cut to the width of the terminal', () => {
  const { markup } = table(
    ['Amount>', 'Why'],
    [
      ['1.00', html`<code>The invoice was submitted before</code>`],
      ['22.00', 'lost'],
    ],
  )
  expect(renderSummary(markup, plain, 30).join('\n')).toBe('Amount  Why\n  1.00  The invoice was submi…\n 22.00  lost')
})

test('headings, bold text, lists and collapsed parts have their own look', () => {
  const summary = `<h3>✅ Done</h3>
<p><b>Billed 1.00.</b> (test)</p>

<ul><li>one</li><li>two</li></ul>

<details><summary>Details</summary>
<p>hidden</p></details>

`
  expect(render(summary, tagged)).toBe(
    '<bold>✅ Done</>\n\n<bold>Billed 1.00.</> (test)\n\n• one\n• two\n\n<dim>▸ Details</>',
  )
})

test('text with markup and mentions is shown as it was written', () => {
  expect(render(html`<p>${'<b>@octo &amp; #1 :+1:</b>'}</p>`.markup)).toBe('<b>@octo &amp; #1 :+1:</b>')
})

test('a chart is left out', () => {
  expect(render('<h3>A</h3>\n\n```mermaid\npie\n```\n\n<p>B</p>')).toBe('A\n\nB')
})

test.each([
  ['abc', 3],
  ['é', 1],
  ['✅', 2],
  ['⚠️', 2],
  ['日本', 4],
])('%s takes %i columns', (text, columns) => {
  expect(displayWidth(text)).toBe(columns)
})
