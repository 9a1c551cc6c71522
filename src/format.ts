// Figures for people.

/** A duration for people: `800 ms`, `12.5 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const parts = hours > 0 ? [`${hours} h`, `${minutes} min`] : [`${minutes} min`, `${rest} s`]
  return parts.filter((part) => !part.startsWith('0 ')).join(' ')
}

/** `12,345` */
export const formatCount = (count: number): string => groups(String(count))

/** `1 record`, `12,345 records` */
export const countOf = (count: number, thing: string): string =>
  `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`

/** Digits in groups of three, however many they are. */
export const groups = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',')

/** Text from a payload for a message: on one line, visible, and short. */
export function quote(text: string, max = 60): string {
  const short = text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
