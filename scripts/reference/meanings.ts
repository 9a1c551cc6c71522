// The type of the texts in field-meanings.ts: one for each field of each operation's body, so that the compiler asks for
// a new field's text.

import type { billingOperations } from '../../src/operations/billing.ts'
import type { experimentationOperations } from '../../src/operations/experimentation.ts'
import type { installationOperations } from '../../src/operations/installation.ts'
import type { resourceOperations } from '../../src/operations/resources.ts'
import type { ssoOperations } from '../../src/operations/sso.ts'
import type { Infer } from '../../src/payload/schema.ts'

type Definitions = typeof installationOperations &
  typeof resourceOperations &
  typeof billingOperations &
  typeof ssoOperations &
  typeof experimentationOperations

type NameWithBody = {
  [Name in keyof Definitions]: Definitions[Name] extends { readonly body: unknown } ? Name : never
}[keyof Definitions]

type BodyOf<Name extends NameWithBody> = Definitions[Name] extends { readonly body: infer S } ? Infer<S> : never

/** The objects with known fields in a value: itself, the elements of its lists, or the variants of a union. */
type ObjectsIn<T> = T extends readonly (infer Element)[]
  ? ObjectsIn<Element>
  : T extends Date | string | number | boolean | null | undefined
    ? never
    : string extends keyof T
      ? never
      : T

type KeysOf<T> = T extends unknown ? Exclude<keyof T, 'additionalProperties' | symbol | number> : never
type ValueAt<T, Key> = T extends unknown ? (Key extends keyof T ? T[Key] : never) : never

/** What a field means: a text, and for an object or a list of objects also the texts of its fields. */
type MeaningOf<T> = [ObjectsIn<T>] extends [never] ? string : readonly [text: string, fields: MeaningsOf<ObjectsIn<T>>]

/** The meaning of each field of an object, or of the variants of a union. */
export type MeaningsOf<T> = { readonly [Key in KeysOf<T>]: MeaningOf<ValueAt<T, Key>> }

/** The meanings of all fields, by operation. */
export type OperationMeanings = { readonly [Name in NameWithBody]: MeaningsOf<BodyOf<Name>> }

/** The meaning of any field, for code that handles all operations. */
export type FieldMeaning = string | readonly [text: string, fields: FieldMeanings]
export type FieldMeanings = Readonly<{ [name: string]: FieldMeaning }>
