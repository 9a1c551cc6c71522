// PostgreSQL in WebAssembly as a process of its own: it runs SQL that it gets over HTTP on a Unix socket, and answers with the
// rows. `psql.ts` is its client. node --liftoff-only pglite-server.ts SOCKET

import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'

/** What `psql.ts` sends. */
export interface SqlRequest {
  readonly sql: string
  /** The role that runs it; undefined for the owner of the database. */
  readonly role: string | undefined
}

/** What the server answers: the rows of every statement, or PostgreSQL's error. */
export type SqlResponse = { readonly rows: readonly unknown[][] } | { readonly error: string }

/** The object id of the type json, whose values stay as PostgreSQL prints them. */
const jsonType = 114

const [, , socket] = process.argv
// An initialized cluster from a package saves half of the start.
const database = await PGlite.create({ loadDataDir: await dataDir() })

async function run({ sql, role }: SqlRequest): Promise<SqlResponse> {
  try {
    if (role !== undefined) await database.exec(`set role ${role}`)
    const results = await database.exec(sql, { rowMode: 'array', parsers: { [jsonType]: String } })
    return { rows: results.flatMap(({ rows }) => rows as unknown as unknown[][]) }
  } catch (error) {
    await database.exec('rollback')
    return { error: (error as Error).message }
  } finally {
    await database.exec('reset role')
  }
}

let last: Promise<unknown> = Promise.resolve()
const server = createServer((request, response) => {
  const answer = last.then(async () => run(JSON.parse(await text(request))))
  last = answer
  void answer.then((result) => response.end(JSON.stringify(result)))
})
server.listen(socket, () => process.send?.('ready'))
