// Evaluates what a workflow says by GitHub's own language of expressions, and refuses what its contexts do not have.

import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import type { FunctionDefinition } from '@actions/expressions/funcs/info'
import { isBasicExpression, isLiteral, isMapping, isSequence } from '@actions/workflow-parser'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'

/** Contexts by name, such as `inputs` or `steps`: plain values. */
export type Contexts = Record<string, unknown>

/** What `success()` and the other functions of a condition go by. */
export type Status = 'success' | 'failure'

/** An object that has no other keys: GitHub takes a misspelt one for an empty text, which nobody notices. */
class Exact extends data.Dictionary {
  private readonly name: string

  constructor(name: string, values: object) {
    super(...Object.entries(values).map(([key, value]) => ({ key, value: dataOf(value, `${name}.${key}`) })))
    this.name = name
  }

  override get(key: string): data.ExpressionData {
    const value = super.get(key)
    if (value === undefined) throw new Error(`there is no ${this.name}.${key}`)
    return value
  }
}

function dataOf(value: unknown, name: string): data.ExpressionData {
  if (Array.isArray(value)) return new data.Array(...value.map((one, index) => dataOf(one, `${name}.${index}`)))
  if (typeof value === 'object' && value !== null) return new Exact(name, value)
  return data.reviver('', value) as data.ExpressionData
}

const plain = (value: data.ExpressionData): unknown => JSON.parse(JSON.stringify(value, data.replacer))

/** The value of an expression, written without its `${{ }}`. */
export function evaluate(expression: string, contexts: Contexts, status: Status = 'success'): unknown {
  const functions = Object.entries({
    always: true,
    cancelled: false,
    failure: status === 'failure',
    success: status === 'success',
  }).map(
    ([name, value]): FunctionDefinition => ({
      name,
      minArgs: 0,
      maxArgs: 0,
      call: () => new data.BooleanData(value),
    }),
  )
  const parsed = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), functions).parse()
  const values = Object.entries(contexts).map(([key, value]) => ({ key, value: dataOf(value, key) }))
  const implemented = new Map(functions.map((one) => [one.name, one]))
  return plain(new Evaluator(parsed, new data.Dictionary(...values), implemented).evaluate())
}

/** What a part of a workflow comes to, the expressions in it evaluated. */
export function resolve(token: TemplateToken, contexts: Contexts): unknown {
  if (isBasicExpression(token)) return evaluate(token.expression, contexts)
  if (isLiteral(token)) return token.toJSON()
  if (isSequence(token)) return [...token].map((item) => resolve(item, contexts))
  if (!isMapping(token)) throw new Error('a part that is neither a value nor a collection')
  return Object.fromEntries([...token].map(({ key, value }) => [String(key), resolve(value, contexts)]))
}

/** A value as the text that an input, an output or a variable of the environment is. */
export const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : (dataOf(value, '').coerceString() as string)
