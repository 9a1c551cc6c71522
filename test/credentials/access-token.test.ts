import { expect, test } from 'vitest'
import { tokenProblem } from '../../src/credentials/access-token.ts'

test.each(['abc', 'vca_0123456789', 'a.b-c_d~e+f/g=', '!'])('%j may be a token', (token) => {
  expect(tokenProblem(token)).toBeUndefined()
})

test.each([
  ['Bearer hunter2', 'contains a space. Pass the token alone, without "Bearer "'],
  ['bearer hunter2', 'contains a space. Pass the token alone, without "Bearer "'],
  ['forbearer hunter2', 'contains a space. Pass the token alone'],
  ['hunter 2', 'contains a space. Pass the token alone'],
  ['hunter2 ', 'contains a space. Pass the token alone'],
  ['hunter\n2', 'contains a space. Pass the token alone'],
  ['\ufeffhunter2', 'begins with a byte order mark. Save its file without it'],
  ['hünter2', 'contains a character that is not ASCII. Pass the token alone'],
])('%j cannot be a token', (token, problem) => {
  expect(tokenProblem(token)).toBe(problem)
})

test.each(['', '***', '${{ secrets.HUNTER }}', 'hunter2\n'])('%j cannot be a secret', (token) => {
  expect(tokenProblem(token)).toBeDefined()
  expect(tokenProblem(token)).not.toContain('hunter2')
})
