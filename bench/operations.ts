// Measures a step for each operation, and compares it with the same request made with `fetch`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'
import { exampleOf, exampleSecrets, inOrder } from '../scripts/examples.ts'
import { startSandboxServer } from '../src/sandbox/server.ts'
import { startServer } from './loopback-server.ts'
import { type Program, run, runAlternately } from './processes.ts'
import { type Row, spreadOf, type Table } from './report.ts'

const root = join(import.meta.dirname, '..')

interface Exchange {
  readonly request: { method: string; path: string; body: string }
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}

/** Starts a server that forwards each request to the sandbox once, and replays the recorded response after that. */
async function startReplayServer() {
  const sandbox = await startSandboxServer()
  const recordings = new Map<string, Exchange>()
  let invoiceId = ''
  async function exchange(incoming: IncomingMessage): Promise<Exchange> {
    const { method = '', url: path = '', headers } = incoming
    const body = await text(incoming)
    const key = `${method} ${path}`
    const recording = recordings.get(key)
    if (recording) return recording
    const response = await fetch(sandbox.url + path.replace(/inv-[\w-]+|[\w-]+-inv/, invoiceId), {
      method,
      headers: { authorization: headers.authorization ?? '', 'content-type': 'application/json' },
      ...(body !== '' && { body }),
    })
    const responseText = await response.text()
    if (path.endsWith('/invoices') && response.ok) ({ invoiceId } = JSON.parse(responseText))
    const type = response.headers.get('content-type')
    const recorded = {
      request: { method, path, body },
      status: response.status,
      headers: { 'x-vercel-id': 'bench', ...(type && { 'content-type': type }) },
      text: responseText,
    }
    recordings.set(key, recorded)
    return recorded
  }
  const server = await startServer(async (incoming, outgoing) => {
    const { status, headers, text: body } = await exchange(incoming)
    outgoing.writeHead(status, headers).end(body)
  })
  return {
    ...server,
    /** The request that was recorded last. */
    last: () => [...recordings.values()].at(-1)?.request,
    async close() {
      server.close()
      await sandbox.close()
    },
  }
}

/** @param rounds  the number of runs of each program */
export async function measureOperations(rounds = 11): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const server = await startReplayServer()
  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
  const prepare = () => {
    for (const file of Object.values(files)) writeFileSync(file, '')
  }
  const rows: Row[] = []
  try {
    for (const operation of inOrder) {
      const { name, anonymous } = operation
      const step: Program = {
        name,
        args: [join(root, 'dist/index.js')],
        env: {
          ...files,
          ...exampleSecrets,
          GITHUB_WORKSPACE: root,
          INPUT_OPERATION: name,
          INPUT_PAYLOAD: JSON.stringify(parse(exampleOf(name))),
          'INPUT_API-URL': server.url,
          ...(!anonymous && { INPUT_TOKEN: 'bench-token' }),
        },
        prepare,
      }
      await run(step)
      const { method = '', path = '', body = '' } = server.last() ?? {}
      const baseline: Program = {
        name: 'fetch',
        args: [join(import.meta.dirname, 'bare-fetch.mjs'), server.url + path, body, method],
        env: {},
      }
      const runs = await runAlternately([baseline, step], rounds)
      const spread = (program: Program, part: 'wall' | 'memory') =>
        spreadOf((runs.get(program.name) ?? []).map((one) => one[part] ?? 0))
      const ratio = (part: 'wall' | 'memory') => {
        const value = spread(step, part).median / spread(baseline, part).median
        return { median: value, low: value, high: value }
      }
      rows.push({
        name: `\`${name}\``,
        cells: [spread(step, 'wall'), ratio('wall'), spread(step, 'memory'), ratio('memory')],
      })
    }
    return {
      title: 'Every operation',
      method: `A step with the payload of examples/operations as JSON, compared with a Node script that makes the same request with \`fetch\`: the median of ${rounds} alternating runs of each.`,
      columns: [
        { title: 'wall', unit: 'ms', digits: 1 },
        { title: 'to fetch', unit: '×', digits: 2 },
        { title: 'peak memory', unit: 'MiB', digits: 1 },
        { title: 'to fetch', unit: '×', digits: 2 },
      ],
      rows,
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
