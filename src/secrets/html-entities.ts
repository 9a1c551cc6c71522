// The HTML entities of ASCII and Latin-1, which is what secrets consist of. All 2,231 entities would be a fifth of what
// a step loads. See https://html.spec.whatwg.org/multipage/named-characters.html

/** The names of ASCII, blanks and the ellipsis, and second names of Latin-1: each with its character behind it. */
const asciiNames =
  'excl! quot" num# dollar$ percnt% amp& apos\' lpar( rpar) ast* midast* plus+ comma, period. sol/ colon: semi; lt< equals= gt> quest? commat@ lsqb[ lbrack[ bsol\\ rsqb] rbrack] Hat^ lowbar_ UnderBar_ grave` DiacriticalGrave` lcub{ lbrace{ verbar| vert| VerticalLine| rcub} rbrace} hellip… mldr… die¨ Dot¨ DoubleDot¨ circledR® strns¯ PlusMinus± pm± DiacriticalAcute´ CenterDot· centerdot· half½ angstÅ div÷ Tab\t NewLine\n NonBreakingSpace\u00a0'.split(
    ' ',
  )

/** From U+00A0 on, in order. These and `amp`, `lt`, `gt`, `quot` need no semicolon. */
const latin1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  )

const charByAnyName = new Map([
  ...asciiNames.map((name): [string, string] => [name.slice(0, -1), name.slice(-1)]),
  ...latin1.map((name, index): [string, string] => [name, String.fromCharCode(0xa0 + index)]),
])

/** The names without a semicolon, longest first. */
const unterminated = ['amp', 'lt', 'gt', 'quot', ...latin1].sort((a, b) => b.length - a.length)

/** The character of a name; in any case if no name has this one, as a text that was changed to upper case has it. */
const characterOf = (name: string) => charByAnyName.get(name) ?? charByAnyName.get(name.toLowerCase())

/**
 * Decodes one entity.
 *
 * @param entity  `&amp;`, `&#38;`, `&#x26;`, or a name that more text may follow, such as `&ltb`
 * @returns the character, and how many characters of the entity it takes; undefined if there is none
 */
export function decodeEntity(entity: string): { readonly char: string; readonly length: number } | undefined {
  const body = entity.slice(1).replace(/;$/, '')
  if (body.startsWith('#')) {
    const point = /^#x/i.test(body) ? Number.parseInt(body.slice(2), 16) : Number.parseInt(body.slice(1), 10)
    return point <= 0x10ffff ? { char: String.fromCodePoint(point), length: entity.length } : undefined
  }
  const char = entity.endsWith(';') ? characterOf(body) : undefined
  if (char !== undefined) return { char, length: entity.length }
  const name = unterminated.find((name) => body.toLowerCase().startsWith(name.toLowerCase()))
  const found = name && characterOf(body.slice(0, name.length))
  return name && found ? { char: found, length: name.length + 1 } : undefined
}
