// A PostgreSQL database with the tables and the sample data of examples/postgres. It is on the server that PGHOST, PGUSER and
// PGPASSWORD lead to, if they are set, and is used through psql. Otherwise it is PGlite, used through psql.ts.

import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { psql as psqlOfPGlite } from './psql.ts'

export const exampleFolder = join(import.meta.dirname, '..', '..', 'examples', 'postgres')

/** The password of the role `billing`. */
export const password = "it's-a-password"

type Connection = Record<string, string>

export interface Database {
  /** The environment variables with which psql connects as the role `billing`. */
  readonly connection: Connection
  /** Runs SQL, as the owner of the tables unless another connection is given. @returns the rows, `|` between columns */
  readonly query: (sql: string, connection?: Connection) => Promise<string[]>
  /** Runs a query of the example as the role `billing`. @returns the lines that it prints */
  readonly exportLines: (query: string, ...variables: string[]) => Promise<string[]>
  readonly close: () => Promise<void>
}

interface Server {
  readonly owner: Connection
  readonly psql: (args: string[], connection: Connection) => Promise<string[]>
  readonly stop: () => Promise<void>
}

/** @throws {Error} with what psql wrote to stderr, if it fails */
async function psqlOfServer(args: string[], connection: Connection): Promise<string[]> {
  // The queries must not depend on the time zone.
  const env = { ...process.env, PGTZ: 'America/St_Johns', ...connection }
  const { status, stdout, stderr } = spawnSync('psql', args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(stderr)
  return stdout.split('\n').slice(0, -1)
}

/** Makes an empty database on the server of the environment. */
async function useServer(): Promise<Server> {
  const name = `billing_example_${process.pid}`
  const run = (sql: string) => psqlOfServer(['--quiet', '--command', sql], { PGDATABASE: 'postgres' })
  await run(`create database ${name}`)
  const stop = async () => {
    await run(`drop database ${name}`)
    await run('drop role billing')
  }
  return { owner: { PGDATABASE: name }, psql: psqlOfServer, stop }
}

/** Starts PGlite, and puts a `psql` that uses it into PATH. */
async function startPGlite(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'pglite-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const script = join(import.meta.dirname, 'psql.ts')
  writeFileSync(
    join(bin, 'psql'),
    `#!/bin/sh\nNODE_COMPILE_CACHE="${process.env.NODE_COMPILE_CACHE ?? ''}" exec "${process.execPath}" "${script}" "$@"\n`,
  )
  chmodSync(join(bin, 'psql'), 0o755)
  process.env.PATH = `${bin}${delimiter}${process.env.PATH}`
  const socket = join(folder, 'socket')
  // Without optimizing WebAssembly it starts with half of the CPU time.
  const child = fork(join(import.meta.dirname, 'pglite-server.ts'), [socket], { execArgv: ['--liftoff-only'] })
  await once(child, 'message')
  const stop = async () => {
    child.kill()
    await once(child, 'exit')
    rmSync(folder, { recursive: true })
  }
  return { owner: { PGHOST: socket, PGDATABASE: 'postgres' }, psql: psqlOfPGlite, stop }
}

/** @param customers  how many installations the sample data has besides the special ones @param at  its present */
export async function startDatabase(customers: number, at: string): Promise<Database> {
  const { owner, psql, stop } = process.env.PGHOST ? await useServer() : await startPGlite()
  const run = (args: readonly string[], connection: Connection) =>
    psql(['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1', ...args], connection)
  const runFile = (name: string, variables: readonly string[], connection: Connection) =>
    run([...variables.map((pair) => `--set=${pair}`), `--file=${join(exampleFolder, `${name}.sql`)}`], connection)
  await runFile('schema', [], owner)
  await runFile('role', [`password=${password}`], owner)
  await runFile('sample-data', [`at=${at}`, `customers=${customers}`], owner)
  const connection = { PGHOST: process.env.PGHOST ?? '', ...owner, PGUSER: 'billing', PGPASSWORD: password }
  return {
    connection,
    query: (sql, as = owner) => run(['--command', sql], as),
    exportLines: (query, ...variables) => runFile(query, variables, connection),
    close: stop,
  }
}
