// A whole workflow for each operation, with its example as the payload.

import type { Operation } from '../../src/operations/catalogue.ts'
import type { PathParameter } from '../../src/operations/definition.ts'
import { type ParameterInput, parameterInputs } from '../../src/operations/request.ts'
import { exampleOf } from '../examples.ts'

const inputOf = new Map(
  (Object.entries(parameterInputs) as [ParameterInput, PathParameter][]).map(([input, parameter]) => [
    parameter as string,
    input,
  ]),
)

const indent = (lines: readonly string[], width: number) => lines.map((line) => ' '.repeat(width) + line)

/** The lines of the payload, and of the inputs that set path parameters. */
function partsOf({ name }: Operation) {
  const [, ...lines] = exampleOf(name).trimEnd().split('\n')
  const inputs: string[] = []
  const payload: string[] = []
  for (const line of lines) {
    const [, parameter = '', value = ''] = /^(\w+): (\S+)/.exec(line) ?? []
    const input = inputOf.get(parameter)
    if (input === undefined) payload.push(line)
    // The id of an invoice differs from run to run.
    else inputs.push(`${input}: ${input === 'invoice-id' ? '${{ inputs.invoice-id }}' : value}`)
  }
  return { inputs, payload }
}

/** A workflow that runs the operation by hand. A test runs it in the sandbox. */
export function operationWorkflow(operation: Operation): string {
  const { name, anonymous, hasInvoice, method, statusField } = operation
  const { inputs, payload } = partsOf(operation)
  const secrets = [...payload.join('\n').matchAll(/\{ \$env: (\w+) \}/g)].map(([, secret]) => secret)
  const shown = method === 'GET' && !statusField ? 'result' : 'status'
  const trigger =
    hasInvoice && inputs.some((line) => line.startsWith('invoice-id'))
      ? ['on:', '  workflow_dispatch:', '    inputs:', '      invoice-id:', '        required: true']
      : ['on: workflow_dispatch']
  return [
    `name: ${name}`,
    ...trigger,
    'permissions: {}',
    'jobs:',
    `  ${name}:`,
    '    runs-on: ubuntu-latest',
    '    steps:',
    '      - id: call',
    '        uses: your-org/vercel-marketplace-action@v1',
    '        with:',
    `          operation: ${name}`,
    ...(anonymous ? [] : ['          token: ${{ secrets.INSTALLATION_TOKEN }}']),
    ...indent(inputs, 10),
    ...(payload.length === 0 ? [] : ['          payload: |', ...indent(payload, 12)]),
    ...(secrets.length === 0 ? [] : ['        env:']),
    ...indent(
      secrets.map((secret) => `${secret}: \${{ secrets.${secret} }}`),
      10,
    ),
    `      - run: echo "$${shown.toUpperCase()}"`,
    '        env:',
    `          ${shown.toUpperCase()}: \${{ steps.call.outputs.${shown} }}`,
  ].join('\n')
}
