// What can be wrong with a text: each function returns a problem as the rest of a sentence ("items[0].total …"), or
// undefined. What calls them adds the path.

import { formatCount, quote } from '../format.ts'
import type { Text } from './schema.ts'
import { isUri } from './uri.ts'

/** Half of a surrogate pair cannot be encoded as UTF-8, so it cannot be sent. */
export const unicodeProblem = (text: string): string | undefined =>
  text.isWellFormed() ? undefined : 'contains half of a surrogate pair, which is not valid Unicode'

/** What is wrong with a text that is not a secret. */
export function textProblem(text: string, { max, format }: Pick<Text, 'max' | 'format'>): string | undefined {
  if (max !== undefined && text.length > max) {
    const length = codePointsOf(text)
    if (length > max)
      return `must have at most ${formatCount(max)} characters (Unicode code points), not ${formatCount(length)}`
  }
  if (format === 'uri' && !isUri(text)) {
    return 'must be a URL such as https://example.com/a%20path: encode spaces and other special characters as %20 and so on'
  }
  return unicodeProblem(text)
}

/** The length of a text in Unicode code points, as JSON Schema counts: an emoji may be one, where UTF-16 has two units. */
function codePointsOf(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** Whether a text is an amount of money. */
export const isDecimal = (text: string): boolean => /^[0-9]+(\.[0-9]+)?$/.test(text)

/** The longest decimal, in characters: more digits than any amount of money has. */
export const maxDecimalChars = 40

/** What is wrong with an amount of money, and how to fix it. */
export function decimalProblem(text: string): string | undefined {
  if (text === '') return 'is empty; write a decimal such as "12.50"'
  if (text.length > maxDecimalChars) return `must have at most ${maxDecimalChars} characters, not ${text.length}`
  return isDecimal(text) ? undefined : `must be a decimal such as "12.50": ${decimalFixes(text).join('; ')}`
}

function decimalFixes(text: string): string[] {
  const fixes: string[] = []
  const currency = /\p{Sc}/u.exec(text)?.[0]
  if (currency) fixes.push(`remove ${quote(currency)}`)
  if (/\s/.test(text)) fixes.push('remove spaces and line breaks')
  const bare = text.replace(/[\s\p{Sc}]/gu, '')
  if (/^[-\u2212]/.test(bare)) fixes.push('must not be negative')
  if (bare.startsWith('+')) fixes.push('remove "+"')
  if (bare.includes(',')) fixes.push(commaFix(bare))
  if (/^[-+]?\./.test(bare)) fixes.push('add a digit before the point')
  if (/\.$/.test(bare)) fixes.push('remove the point, or add digits after it')
  if (/\..*\./.test(bare)) fixes.push('use only one point')
  if (/^[-+]?[0-9.]+e[-+]?[0-9]+$/i.test(bare)) fixes.push('write it without an exponent')
  return fixes.length > 0 ? fixes : ['use only the digits 0 to 9 and one point']
}

function commaFix(text: string): string {
  if (text.includes('.')) return 'remove the comma'
  return /^\D*\d{1,3}(,\d{3})+$/.test(text)
    ? 'use a point, not a comma, and no separators between thousands'
    : 'use a point, not a comma'
}

const expression = 'contains an unexpanded GitHub expression: GitHub expands expressions only in workflow files'

/**
 * Why a text with a GitHub expression is refused. GitHub replaces expressions in workflow files only, so one in a payload
 * file would be sent as it is. Never contains the text, which may be a secret.
 * See https://docs.github.com/actions/reference/workflows-and-actions/expressions
 */
export function expressionProblem(text: string): string | undefined {
  const start = text.indexOf('${{')
  return start >= 0 && text.includes('}}', start) ? `${expression}; put the value itself here` : undefined
}

/** Why a text of a payload with a GitHub expression is refused, with the advice to use a reference. */
export const payloadExpressionProblem = (text: string): string | undefined =>
  expressionProblem(text) && `${expression}; set the value with \`env:\` on the step and write {"$env": "NAME"} here`

/** Why a field's name with a GitHub expression is refused. */
export const nameExpressionProblem = (name: string): string | undefined =>
  expressionProblem(name) &&
  'contains an unexpanded GitHub expression in its name: GitHub expands expressions only in workflow files; write the name itself'

/** Why a text cannot be the intended secret. Never contains the text. */
export function secretProblem(text: string): string | undefined {
  if (text === '') return 'is empty; is the secret that fills it set?'
  if (text === '***') return 'is the literal ***, which logs show in place of a masked value; use the secret itself'
  const problem = expressionProblem(text)
  if (problem) return problem
  const end = text.search(/[\r\n]/)
  if (end >= 0 && !/[^\r\n]/.test(text.slice(end))) {
    return 'is a single line that ends with a newline; write it without one (`printf %s`), or read it with {"$file": …}, which drops one'
  }
  return unicodeProblem(text)
}

/**
 * Why a text cannot be one segment of a path: an id such as `..` or `a/b` would turn the request into another one.
 * Percent-encoded forms count too, since a server on the way may decode them.
 */
export function segmentProblem(text: string): string | undefined {
  if (text === '') return 'is empty'
  // Encoding may be nested: %252e decodes to %2e.
  const once = text.replace(/%(?:25)+/g, '%')
  if (/^(\.|%2e){1,2}$/i.test(once)) return `must be an id, not ${quote(text)}`
  if (/[/\\]|%2f|%5c/i.test(once)) return `must be a single id, without slashes: ${quote(text)}`
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|%[01][0-9a-f]|%7f/iu.test(once)) {
    return `contains a line break or another invisible character: ${quote(text)}`
  }
  if (text.trim() !== text) return `starts or ends with a space: ${quote(text)}`
  if (/[?#]/.test(text)) return `must be an id, without ? and #: ${quote(text)}`
  return unicodeProblem(text)
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/**
 * What is wrong with a time. See RFC 3339, section 5.6: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function timeProblem(text: string): string | undefined {
  if (!rfc3339.test(text)) {
    const shape = 'must be a time with its time zone, such as "2025-01-31T00:00:00Z"'
    if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${shape}; ${quote(text)} is only a date`
    if (/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) {
      return `${shape}; ${quote(text)} has no time zone: add Z, or an offset such as +02:00`
    }
    return `${shape}, not ${quote(text)}`
  }
  const number = (from: number, to?: number) => Number(text.slice(from, to))
  const [year, month, day] = [number(0, 4), number(5, 7), number(8, 10)]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) {
    return `has a day that does not exist: ${quote(text)}`
  }
  const second = number(17, 19)
  if (second === 60) return 'has a leap second, which cannot be sent; use :59'
  const isUtc = /z$/i.test(text)
  const isReal = number(11, 13) < 24 && number(14, 16) < 60 && second < 60
  if (!isReal || (!isUtc && (number(-5, -3) >= 24 || number(-2) >= 60))) {
    return `has a time of day that does not exist: ${quote(text)}`
  }
  const utcYear = new Date(text).getUTCFullYear()
  return utcYear >= 0 && utcYear <= 9999
    ? undefined
    : `is in the year ${utcYear} in UTC, which cannot be sent: ${quote(text)}`
}

/** The calendar repeats every 400 years. `Date.UTC` maps years below 100 to the 20th century, so use later ones. */
const daysIn = (year: number, month: number) => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
