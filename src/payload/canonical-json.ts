// The parts of JSON in canonical form, from which digests and keys are computed. What they return must never change:
// journals and Vercel know records by it.

/** A text as JSON. Most texts have no character that JSON writes as an escape, and `JSON.stringify` takes a while for each. */
export const canonicalText = (text: string): string =>
  /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text)

/** The names of an object's fields, in the order of UTF-16 code units. For a few names, `sort` is slower. */
export function sortedNames(value: object): string[] {
  const names = Object.keys(value)
  if (names.length > 16) return names.sort()
  for (let end = 1; end < names.length; end++) {
    const name = names[end] as string
    let at = end
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string
    names[at] = name
  }
  return names
}
