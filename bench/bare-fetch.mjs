// The baseline of a step: a Node program that makes the same request with the built-in `fetch`, and nothing else.
// `node bare-fetch.mjs URL [BODY] [METHOD]`

const [, , url, body, method = 'POST'] = process.argv
const response = await fetch(url, {
  method,
  headers: { authorization: 'Bearer bench-token', 'content-type': 'application/json' },
  ...(body && { body }),
})
if (!response.ok) throw new Error(`${response.status}`)
await response.text()
