// Parses the text of inputs.

import { readShard, type Shard } from '../batch/records/shard.ts'
import { tokenProblem } from '../credentials/access-token.ts'
import { quote } from '../format.ts'
import { isLoopback } from '../http/loopback.ts'
import { invoiceStates } from '../operations/invoice-state.ts'
import { suggestion } from '../payload/suggest.ts'
import { segmentProblem } from '../payload/text-problems.ts'

/** A value, or problems: clauses that continue "Input `name` ". */
export type Parsed<T> = { readonly value: T } | { readonly problems: readonly string[] }

/** Parses a text. It is never empty, and it is trimmed unless the row says `keepsBlanks`. */
export type Parser<T> = (text: string) => Parsed<T>

const invalid = (...problems: string[]) => ({ problems })

/** Accepts any text. */
export const anyText: Parser<string> = (value) => ({ value })

/** Parses `true` or `false`, in any case. */
export const trueOrFalse: Parser<boolean> = (text) =>
  /^(true|false)$/i.test(text) ? { value: text.toLowerCase() === 'true' } : invalid('must be true or false')

const positiveNumber = 'must be a positive whole number'

/** From 1 to 999,999,999, with or without leading zeros. */
const isPositiveInteger = (text: string) => /^0*[1-9]\d{0,8}$/.test(text)

/** Parses a whole number from 1 to 999,999,999. */
export const positiveInteger: Parser<number> = (text) =>
  isPositiveInteger(text) ? { value: Number(text) } : invalid(positiveNumber)

/** Parses whole seconds. @returns milliseconds */
export const seconds: Parser<number> = (text) =>
  isPositiveInteger(text) ? { value: Number(text) * 1000 } : invalid(`${positiveNumber} of seconds, such as 600`)

/** A parser that accepts the given values only. */
export const choiceOf =
  <const V extends string>(values: readonly V[]): Parser<V> =>
  (text) => {
    const value = values.find((value) => value === text)
    return value === undefined ? invalid(`must be ${values.join(' or ')}`) : { value }
  }

/** A parser that accepts any text for which `problemOf` returns undefined. */
export const textWithout =
  (problemOf: (text: string) => string | undefined): Parser<string> =>
  (text) => {
    const problem = problemOf(text)
    return problem ? invalid(problem) : { value: text }
  }

export const accessToken = textWithout(tokenProblem)

/** An id: one segment of the request's path. */
export const pathSegment = textWithout(segmentProblem)

/** The name of a GitHub Actions secret. See https://docs.github.com/actions/reference/secrets-reference */
export const secretName = textWithout((text) =>
  !/^[A-Za-z_][A-Za-z0-9_]*$/.test(text) || /^GITHUB_/i.test(text)
    ? 'must consist of letters, digits and _, and must not begin with a digit or GITHUB_'
    : undefined,
)

/** Parses `i/n`: the i-th of n parts, counted from 1. */
export const shard: Parser<Shard> = (text) => {
  const value = readShard(text)
  if (value) return { value }
  const [, index, count] = /^(0|[1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? []
  return invalid(
    index === undefined
      ? 'must be i/n, the i-th of n parts, such as 2/4'
      : `is ${index}/${count}: the first number must be between 1 and ${count}`,
  )
}

/** A parser of words from a list, separated by commas. */
const statesOf =
  (known: readonly string[]): Parser<readonly string[]> =>
  (text) => {
    const value = text.split(',').map((state) => state.trim())
    const unknown = value.filter((state) => !known.includes(state))
    if (unknown.length === 0) return { value }
    return invalid(
      ...unknown.map((state) => {
        const hint = suggestion(state, known) || `; known states: ${known.join(', ')}`
        return `names a state that no invoice has: ${quote(state)}${hint}`
      }),
    )
  }

/** Invoice states, separated by commas. */
export const states = statesOf(invoiceStates)

/** Invoice states, or `unknown` for records without an invoice id, separated by commas. */
export const trackedStates = statesOf([...invoiceStates, 'unknown'])

/** Money, as the API's decimals. */
export const amount = textWithout((text) =>
  /^[0-9]{1,40}(\.[0-9]{1,40})?$/.test(text) ? undefined : 'must be a decimal such as 500.00',
)

/** The key of an invoice, `auto` or `none`. Another case of these words is a mistake, and not a key. */
export const externalId = textWithout((text) => {
  const word = ['auto', 'none'].find((word) => word === text.toLowerCase() && word !== text)
  return word && `must be \`${word}\` in lower case, or another text, which is the key itself`
})

/** A percentage, as a decimal without its sign. */
export const percentage: Parser<string> = (text) => {
  const value = /^([0-9]{1,9}(?:\.[0-9]{1,9})?) ?%?$/.exec(text)?.[1]
  return value === undefined ? invalid('must be a percentage such as 20') : { value }
}

/** Texts, one per line. Blank lines are skipped. */
export const nonBlankLines: Parser<readonly string[]> = (text) => ({
  value: text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== ''),
})

/** A digest as a dry run shows it. */
export const digest = textWithout((text) =>
  /^sha256:[0-9a-f]{64}$/.test(text) ? undefined : 'must be sha256: and 64 hexadecimal digits, as a dry run shows it',
)

/** Where requests go: to the built-in sandbox, or to the API at a URL. */
export type Destination = { readonly sandbox: true } | { readonly sandbox: false; readonly baseUrl: string }

/** Parses the URL that requests are sent to, or `sandbox`. */
export const destination: Parser<Destination> = (text) => {
  if (text === 'sandbox') return { value: { sandbox: true } }
  if (!URL.canParse(text)) return invalid('must be a URL such as https://api.vercel.com, or the word sandbox')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return invalid('must start with https://; http:// is for loopback only, because the token would travel unencrypted')
  }
  if (url.username || url.password || url.search || url.hash) {
    return invalid('must be a host and a path only, without user, query or fragment')
  }
  return { value: { sandbox: false, baseUrl: text } }
}
