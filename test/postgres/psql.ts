// Does what psql does with the options that the example uses, with PGlite as the server: variables, files, commands, and rows
// without a header.

import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { SqlRequest, SqlResponse } from './pglite-server.ts'

const options = {
  'no-psqlrc': { type: 'boolean' },
  quiet: { type: 'boolean' },
  'tuples-only': { type: 'boolean' },
  'no-align': { type: 'boolean' },
  set: { type: 'string', multiple: true, default: [] as string[] },
  file: { type: 'string' },
  command: { type: 'string' },
} as const

/**
 * @param env  PGHOST is the path of the server's socket; the role PGUSER runs the SQL
 * @returns the lines that psql prints
 * @throws {Error} PostgreSQL's message, or if a variable is not set
 */
export async function psql(args: string[], env: Record<string, string | undefined>): Promise<string[]> {
  const { values } = parseArgs({ args, options })
  const variables = new Map(values.set.map((pair) => pair.split(/=(.*)/s, 2) as [string, string]))
  const sql = (values.command ?? readFileSync(values.file ?? '', 'utf8')).replaceAll(/:'(\w+)'/g, (_, name) => {
    const value = variables.get(name)
    if (value === undefined) throw new Error(`the variable ${name} is not set`)
    return `'${value.replaceAll("'", "''")}'`
  })
  const message: SqlRequest = { sql, role: env.PGUSER }
  const response = await new Promise<SqlResponse>((resolve, reject) => {
    request({ socketPath: env.PGHOST, method: 'POST' }, (answer) => resolve(json(answer) as Promise<SqlResponse>))
      .once('error', reject)
      .end(JSON.stringify(message))
  })
  if ('error' in response) throw new Error(`ERROR:  ${response.error}`)
  return response.rows.map((row) => row.join('|'))
}

if (import.meta.main) {
  try {
    for (const line of await psql(process.argv.slice(2), process.env)) console.log(line)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 3
  }
}
