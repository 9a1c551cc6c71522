// The tokens and secrets of many installations, and a server that repeats what it receives: none of them appears
// in the log, the outputs, the summary or a file.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Arrival, Fault } from '../../src/sandbox/server.ts'
import { examplePayload } from '../example-payloads.ts'
import { installations, ndjson, startServer } from './batches.ts'
import { runStep, runStepInProcess, type StepResult, scratch } from './step.ts'

const count = 80
const names = installations(count)
const tokenOf = (installation: string) => `vct-${installation}-7Yk2mQ`
const secretOf = (installation: string) => `postgres://${installation}:pass-9Xw4@db/"quoted"`
const secrets = [...names.map(tokenOf), ...names.map(secretOf), 'pass-9Xw4', '-7Yk2mQ']

const files = {
  'keys.json': JSON.stringify(Object.fromEntries(names.map((name) => [name, tokenOf(name)]))),
  'b.ndjson': ndjson(
    names.map((name, index) => ({
      ...(index % 2 && { id: `record-${index}` }),
      integrationConfigurationId: name,
      resourceId: 'db-1',
      secrets: [{ name: 'URL', value: secretOf(name) }],
      partial: true,
    })),
  ),
}
const inputs = {
  operation: 'updateResourceSecretsById',
  'batch-file': 'b.ndjson',
  'tokens-file': 'keys.json',
  'journal-file': 'j.ndjson',
}

/** Everything that can be read after a step, except its batch file and tokens file. */
function readableAfter({ log, outputs, summary, masks }: StepResult, ...folders: string[]): string {
  expect(masks.length).toBeLessThanOrEqual(3)
  const contents = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => !Object.hasOwn(files, name))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  )
  return [log, ...masks, JSON.stringify(outputs), summary, ...contents].join('\n')
}

function echo({ headers: { authorization = '' }, body }: Arrival): Fault {
  const message = `no ${authorization} for ${JSON.stringify(body)}, ${encodeURIComponent(authorization)}`
  const headers = { 'x-vercel-id': authorization, 'x-echo': JSON.stringify(body) }
  return { type: 'answer', status: 400, headers, body: { error: { code: authorization, message } } }
}

test.each<[string, typeof runStep, Record<string, string>]>([
  ['in process', runStepInProcess, {}],
  ['as a process with debug logging', runStep, { RUNNER_DEBUG: '1' }],
])('no secret is shown if the server repeats them in its errors, %s', async (_, run, env) => {
  const server = await startServer({ faults: echo })
  const workspace = scratch()
  const step = await run({ workspace, files, env, with: { ...inputs, 'api-url': server.url } })
  expect(server.arrivals).toHaveLength(count)
  expect(new Set(server.arrivals.map(({ headers }) => headers.authorization)).size).toBe(count)
  expect(step.outputs).toMatchObject({ status: 'failed', failed: String(count) })
  const all = readableAfter(step, workspace)
  expect(all).toMatch(/no Bearer \*\*\* for/)
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([])
  expect(secrets.map((secret) => JSON.stringify(secret).slice(1, -1)).filter((secret) => all.includes(secret))).toEqual(
    [],
  )
})

test('no secret is shown by the sandbox, its files or the journal', async () => {
  const [workspace, temp] = [scratch(), scratch()]
  const { payload: resource } = examplePayload('importResource')
  const resources = names.map((name) => ({
    ...resource,
    integrationConfigurationId: name,
    resourceId: 'db-1',
    secrets: [{ name: 'URL', value: secretOf(name) }],
  }))
  const run = (operation: string, content: string) =>
    runStepInProcess({
      workspace,
      temp,
      files: { ...files, 'b.ndjson': content },
      with: { ...inputs, operation, 'journal-file': `${operation}.ndjson`, 'api-url': 'sandbox' },
    })
  for (const step of [await run('importResource', ndjson(resources)), await run(inputs.operation, files['b.ndjson'])]) {
    expect(step.outputs, step.log).toMatchObject({ status: 'succeeded', succeeded: String(count) })
    const all = readableAfter(step, workspace, temp)
    expect(all).toContain('"resource')
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([])
  }
})

test.each([
  ['tokens-file', { 'tokens-file': 'keys.json' }, 'a token'],
  ['tokens-file', { 'tokens-file': 'keys.json' }, '${{ secrets.T }}'],
  ['tokens', {}, 'a token'],
])('a malformed token in %s fails without its value being shown', async (name, given, token) => {
  const server = await startServer()
  const text = JSON.stringify({ icfg_1: `${token}-7Yk2mQ` })
  const step = await runStepInProcess({
    files: { ...files, 'keys.json': text },
    with: {
      ...inputs,
      'tokens-file': '',
      ...given,
      ...(name === 'tokens' && { tokens: text }),
      'api-url': server.url,
    },
  })
  expect(step.errors).toEqual([expect.stringMatching(/icfg_1 (contains|holds) /)])
  expect(step.lines.join('\n') + step.errors + step.summary + JSON.stringify(step.outputs)).not.toContain('7Yk2mQ')
  expect(server.arrivals).toEqual([])
})
