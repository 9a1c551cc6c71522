// Evaluates the expressions of workflows with GitHub's own packages, and throws for values that do not exist.

import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import type { FunctionDefinition } from '@actions/expressions/funcs/info'
import { isBasicExpression, isLiteral, isMapping, isSequence } from '@actions/workflow-parser'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'

/** The contexts of an expression by name, such as `inputs` or `steps`, as plain values. */
export type Contexts = Record<string, unknown>

/** The result of a job or a step, on which `success()` and `failure()` depend: neither is true after `skipped`. */
export type Status = 'success' | 'failure' | 'skipped'

/** An object that throws for a key that it does not have. GitHub returns an empty string, which hides mistyped keys. */
class StrictDictionary extends data.Dictionary {
  private readonly name: string

  constructor(name: string, values: object) {
    super(...Object.entries(values).map(([key, value]) => ({ key, value: dataOf(value, `${name}.${key}`) })))
    this.name = name
  }

  override get(key: string): data.ExpressionData {
    const value = super.get(key)
    if (value === undefined) throw new Error(`${this.name}.${key} does not exist`)
    return value
  }
}

function dataOf(value: unknown, name: string): data.ExpressionData {
  if (Array.isArray(value)) return new data.Array(...value.map((one, index) => dataOf(one, `${name}.${index}`)))
  if (typeof value === 'object' && value !== null) return new StrictDictionary(name, value)
  return data.reviver('', value) as data.ExpressionData
}

const plain = (value: data.ExpressionData): unknown => JSON.parse(JSON.stringify(value, data.replacer))

/** Evaluates an expression, which is given without its `${{ }}`. */
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

/** Returns the value of a part of a workflow, with its expressions evaluated. */
export function resolve(token: TemplateToken, contexts: Contexts): unknown {
  if (isBasicExpression(token)) return evaluate(token.expression, contexts)
  if (isLiteral(token)) return token.toJSON()
  if (isSequence(token)) return [...token].map((item) => resolve(item, contexts))
  if (!isMapping(token)) throw new Error('this part of the workflow is neither a value nor a collection')
  return Object.fromEntries([...token].map(({ key, value }) => [String(key), resolve(value, contexts)]))
}

/** Converts a value to a string, as for an input, an output or an environment variable. */
export const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : (dataOf(value, '').coerceString() as string)
