// What can be wrong with a request, and where.

/** A place in a payload: field names and list indices from the top. */
export type Path = readonly (string | number)[]

/** 1-based, as editors and annotations count. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Problem {
  readonly path: Path
  /** A sentence that says what is wrong and what to do; never the value of a secret. */
  readonly message: string
  /** Whether the key is meant, or the value that stands there. */
  readonly at?: 'key'
  /** Where the place is known without looking it up. */
  readonly position?: Position
}

/** `items[0].total`; names that are no identifiers are quoted. */
export const formatPath = (path: Path): string =>
  path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[A-Za-z_$][\w$-]{0,59}$/.test(part)) return `[${quote(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')

/** Text from a payload for a message: on one line, visible, and short. */
export function quote(text: string, max = 60): string {
  const short = text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
