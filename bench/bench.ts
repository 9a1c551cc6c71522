// What the measurements of a batch share: servers, batch files, and the built action.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invoice } from './invoice.ts'
import type { Program } from './processes.ts'

const installationCount = 2000
/** How many requests the action has in flight. */
export const inFlight = 64
const root = join(import.meta.dirname, '..')

/** The temporary folder and the servers of a measurement. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly #servers: ReturnType<typeof spawn>[] = []
  #runs = 0

  /** Starts a server that responds after a time. @returns its URL */
  serve(delayMs: number): Promise<string> {
    return this.start('server.mjs', String(delayMs))
  }

  /** Starts a server. @param script  a file of this folder, which prints its port @returns its URL */
  async start(script: string, argument: string): Promise<string> {
    const server = spawn(process.execPath, [join(import.meta.dirname, script), argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    const [port] = await once(server.stdout, 'data')
    return `http://127.0.0.1:${String(port).trim()}`
  }

  /** Writes a batch file of distinct invoices, for each installation in turn. @returns its path */
  batchOf(count: number, installations = installationCount): string {
    const path = join(this.folder, `${count}-${installations}.ndjson`)
    const file = openSync(path, 'w')
    for (let index = 0; index < count; index++) {
      const integrationConfigurationId = installationOf(index, installations)
      writeSync(file, `${JSON.stringify({ integrationConfigurationId, ...invoiceOf(index) })}\n`)
    }
    closeSync(file)
    return path
  }

  /** Writes the same invoices to one file each. @returns the path of a list with the arguments that `xargs` passes to `curl` */
  filesOf(count: number, url: string): string {
    const folder = join(this.folder, 'invoices')
    mkdirSync(folder)
    const lines: string[] = []
    for (let index = 0; index < count; index++) {
      const path = join(folder, `${index}.json`)
      writeFileSync(path, JSON.stringify(invoiceOf(index)))
      lines.push(`${url}/v1/installations/${installationOf(index)}/billing/invoices -d @${path}`)
    }
    const list = join(this.folder, 'list')
    writeFileSync(list, `${lines.join('\n')}\n`)
    return list
  }

  /** The built action sends a batch, with a new journal for each run. @param more  inputs besides */
  action(url: string, batch: string, more: Readonly<Record<string, string>> = {}): Program {
    const inputs = { operation: 'submitInvoice', token: 'bench-token', 'api-url': url, 'batch-file': batch, ...more }
    const program = this.#step({ ...inputs, concurrency: String(inFlight) })
    const prepare = () => {
      program.prepare()
      this.#runs++
      program.env['INPUT_JOURNAL-FILE'] = this.#lastJournal
    }
    return { ...program, prepare }
  }

  /** The built action merges the journal of the last run. */
  merge(): Program {
    return this.#step({ operation: 'mergeJournals', 'journal-file': this.#lastJournal })
  }

  /** An output of the last step. */
  output(name: string): string | undefined {
    return new RegExp(`^${name}<<(.*)\\n(.*)\\n\\1$`, 'm').exec(readFileSync(join(this.folder, 'output'), 'utf8'))?.[2]
  }

  get #lastJournal(): string {
    return join(this.folder, `journal-${this.#runs}`)
  }

  #step(inputs: Readonly<Record<string, string>>) {
    const { folder } = this
    const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
    const env: Record<string, string> = { ...files, GITHUB_WORKSPACE: folder, RUNNER_TEMP: folder }
    for (const [name, value] of Object.entries(inputs)) env[`INPUT_${name.toUpperCase()}`] = value
    const prepare = () => {
      for (const file of Object.values(files)) writeFileSync(file, '')
    }
    return { name: 'this action', args: [join(root, 'dist/index.js')], env, prepare }
  }

  close(): void {
    for (const server of this.#servers) server.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const installationOf = (index: number, count = installationCount) => `icfg_${index % count}`
const invoiceOf = (index: number) => ({ ...invoice, externalId: `bench-${index}` })
