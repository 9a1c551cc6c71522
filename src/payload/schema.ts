// Schemas of request bodies. One schema gives the check, the TypeScript type (`Infer`) and the JSON Schema for editors.

declare const type: unique symbol

/** Common to all schemas. The bundle has no descriptions: scripts/reference adds them for editors and documentation. */
interface Described {
  readonly description?: string
}

/** Text. A `secret` is masked and never shown; `max` is a length in Unicode code points, as in JSON Schema. */
export interface Text extends Described {
  readonly kind: 'text'
  readonly secret?: boolean
  readonly max?: number
  readonly format?: 'uri'
}
/** One segment of the request's path. */
export interface Segment extends Described {
  readonly kind: 'segment'
}
/** An amount of money as a decimal string of at most 40 characters. */
export interface Decimal extends Described {
  readonly kind: 'decimal'
}
/** A time, RFC 3339 with `Z` or an offset; becomes a `Date`. */
export interface Instant extends Described {
  readonly kind: 'time'
}
export interface Numeric extends Described {
  readonly kind: 'number'
}
export interface Flag extends Described {
  readonly kind: 'flag'
}
export interface Choice extends Described {
  readonly kind: 'choice'
  readonly values: readonly string[]
  /** In a variant of a union: the values that all variants take here, for messages. */
  readonly all?: readonly string[]
}
export interface Nothing extends Described {
  readonly kind: 'nothing'
}
/** Any JSON value, or any JSON object, sent as it is. */
export interface Json extends Described {
  readonly kind: 'json' | 'record'
}
export interface List extends Described {
  readonly kind: 'list'
  readonly of: Schema
  readonly max?: number
}
export interface ObjectSchema extends Described {
  readonly kind: 'object'
  readonly fields: Readonly<Record<string, Field>>
  /** Accepts unknown fields, which the SDK expects under `additionalProperties`. */
  readonly open?: boolean
}
/** A union. `pick` returns the index of the variant to check a value against. */
export interface OneOf extends Described {
  readonly kind: 'oneOf'
  readonly variants: readonly Schema[]
  readonly pick: (value: unknown) => number
}

export type Schema =
  | Text
  | Segment
  | Decimal
  | Instant
  | Numeric
  | Flag
  | Choice
  | Nothing
  | Json
  | List
  | ObjectSchema
  | OneOf

/** A field of an object. `fallback` gives the default of a field that is missing. */
export interface Field {
  readonly schema: Schema
  readonly optional: boolean
  readonly fallback?: (now: Date) => unknown
}

/** A schema with the type of its values. */
export type Typed<S extends Schema, T> = S & { readonly [type]?: T }
export type Optional<S extends Schema> = Field & { readonly optional: true; readonly [type]?: S }
/** The type of the values that a schema accepts, as the SDK takes them. */
export type Infer<S> = S extends { readonly [type]?: infer T } ? Exclude<T, undefined> : never

type Shape = Readonly<Record<string, Schema | Field>>
type OptionalKeys<F> = { [K in keyof F]: F[K] extends Optional<Schema> ? K : never }[keyof F]
type FieldType<F> = F extends { readonly optional: true; readonly [type]?: infer S } ? Infer<S> : Infer<F>
type Flatten<T> = { [K in keyof T]: T[K] }
export type ObjectOf<F> = Flatten<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: FieldType<F[K]> } & {
    [K in OptionalKeys<F>]?: FieldType<F[K]> | undefined
  }
>

/** A text of at most `max` code points, in the given format. */
export const text = (limits: Pick<Text, 'max' | 'format'> = {}): Typed<Text, string> => ({ kind: 'text', ...limits })
/** A text that is masked, and never shown. */
export const secret = (): Typed<Text, string> => ({ kind: 'text', secret: true })
/** An id: one segment of a path. */
export const segment = (): Typed<Segment, string> => ({ kind: 'segment' })
/** An amount of money: a text of digits, with or without a point and digits. */
export const decimal = (): Typed<Decimal, string> => ({ kind: 'decimal' })
/** A time of RFC 3339, with `Z` or an offset. */
export const time = (): Typed<Instant, Date> => ({ kind: 'time' })
/** A finite number. */
export const number = (): Typed<Numeric, number> => ({ kind: 'number' })
/** `true` or `false`. */
export const flag = (): Typed<Flag, boolean> => ({ kind: 'flag' })
/** `null`. */
export const nothing = (): Typed<Nothing, null> => ({ kind: 'nothing' })
/** Any JSON value. */
export const json = (): Typed<Json, unknown> => ({ kind: 'json' })
/** A JSON object with any fields. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's own type of free-form fields
export const record = (): Typed<Json, { [k: string]: any }> => ({ kind: 'record' })
/** One of some texts. */
export const choice = <const V extends string>(
  values: readonly V[],
  union: Pick<Choice, 'all'> = {},
): Typed<Choice, V> => ({ kind: 'choice', values, ...union })
/** A list of at most `max` elements. */
export const list = <S extends Schema>(of: S, max?: number): Typed<List, Infer<S>[]> => ({
  kind: 'list',
  of,
  ...(max === undefined ? {} : { max }),
})

const asField = (entry: Schema | Field): Field => ('schema' in entry ? entry : { schema: entry, optional: false })
const asFields = (shape: Shape) => Object.fromEntries(Object.entries(shape).map(([name, f]) => [name, asField(f)]))

/** An object that refuses unknown fields. */
export const object = <const F extends Shape>(shape: F): Typed<ObjectSchema, ObjectOf<F>> => ({
  kind: 'object',
  fields: asFields(shape),
})

/** An object that keeps unknown fields. In the SDK's types they are under `additionalProperties`. */
export const openObject = <const F extends Shape>(
  shape: F,
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own type of free-form fields
): Typed<ObjectSchema, Flatten<ObjectOf<F> & { additionalProperties?: { [k: string]: any } | undefined }>> => ({
  kind: 'object',
  open: true,
  fields: asFields(shape),
})

/** A field that a payload may leave out. */
export const optional = <S extends Schema>(schema: S): Optional<S> => ({ schema, optional: true })

/** A field with a default for payloads without it; the request always has it. */
export const defaulted = <S extends Schema>(schema: S, fallback: (now: Date) => Infer<S>) =>
  ({ schema, optional: true, fallback }) as Field & { readonly optional: false; readonly [type]?: Infer<S> }

/** A union whose variants differ in the kind of JSON value or in their fields. */
export const oneOf = <const V extends readonly Schema[]>(
  variants: V,
  pick: (value: unknown) => number,
): Typed<OneOf, Infer<V[number]>> => ({ kind: 'oneOf', variants, pick })

/** Whether a value is a JSON object: not a list, null or a scalar. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
