// The least that a Node program can do: the same POST with the built-in fetch.

const [, , url, body] = process.argv
const answer = await fetch(url, {
  method: 'POST',
  headers: { authorization: 'Bearer bench-token', 'content-type': 'application/json' },
  body,
})
if (!answer.ok) throw new Error(`${answer.status}`)
await answer.json()
