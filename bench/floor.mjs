// The least that a Node program can do: the same request with the built-in fetch. `node floor.mjs URL [BODY] [METHOD]`

const [, , url, body, method = 'POST'] = process.argv
const answer = await fetch(url, {
  method,
  headers: { authorization: 'Bearer bench-token', 'content-type': 'application/json' },
  ...(body && { body }),
})
if (!answer.ok) throw new Error(`${answer.status}`)
await answer.text()
