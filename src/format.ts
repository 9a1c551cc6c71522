// Formats numbers, durations and quoted texts for people.

/** A duration in milliseconds as `800 ms`, `12.5 s` or `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const parts = hours > 0 ? [`${hours} h`, `${minutes} min`] : [`${minutes} min`, `${rest} s`]
  return parts.filter((part) => !part.startsWith('0 ')).join(' ')
}

/** A time as `2025-03-15 22:38:05 UTC`, rounded up so that it is never too early. */
export const formatSecond = (time: Date): string =>
  `${new Date(Math.ceil(time.getTime() / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** A count as `12,345`. */
export const formatCount = (count: number): string => groups(String(count))

/** A count with its noun: `1 record`, `12,345 records`. */
export const countOf = (count: number, thing: string): string =>
  `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`

/** Digits in groups of three, for numbers of any length. */
export const groups = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',')

/** A decimal as `12,345.60`. */
export function formatAmount(amount: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(amount) ?? []
  return `${sign && '−'}${groups(whole)}${fraction}`
}

/**
 * Quotes a text for a message: on one line, and with control, format and bidirectional characters as escapes, so that the
 * text can neither hide a part of the message nor reorder it.
 *
 * @param max  the length, in UTF-16 code units, at which the text is cut
 */
export function quote(text: string, max = 60): string {
  const short = text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (char) =>
    [...Array(char.length).keys()].map((index) => escapeUnit(char.charCodeAt(index))).join(''),
  )
}

/** Quotes the path of a file: as `quote` does, but backslashes stay single, as Windows shows them. */
export const quotePath = (path: string, max?: number): string => quote(path, max).replaceAll('\\\\', '\\')

const escapeUnit = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`
