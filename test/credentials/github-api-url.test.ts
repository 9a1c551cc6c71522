import { expect, test } from 'vitest'
import { gitHubApiUrl } from '../../src/credentials/github-api-url.ts'

test.each([
  [undefined, 'https://api.github.com'],
  ['', 'https://api.github.com'],
  ['https://github.example/api/v3', 'https://github.example/api/v3'],
  ['https://github.example/api/v3//', 'https://github.example/api/v3'],
  ['http://127.0.0.1:4010/', 'http://127.0.0.1:4010'],
  ['http://localhost:4010', 'http://localhost:4010'],
])('GITHUB_API_URL %j is %s', (GITHUB_API_URL, url) => {
  expect(gitHubApiUrl(GITHUB_API_URL === undefined ? {} : { GITHUB_API_URL })).toBe(url)
})

test.each([
  'http://github.example',
  'ftp://127.0.0.1',
  'api.github.com',
  'https://hunter2@github.example',
  'https://:hunter2@github.example',
  'https://github.example?hunter2',
  'https://github.example#hunter2',
])('GITHUB_API_URL %s is refused, and its value is not shown', (GITHUB_API_URL) => {
  const message =
    'GITHUB_API_URL must be a host and a path that start with https:// (http:// is for loopback only, because `github-token` would travel unencrypted): set it to https://api.github.com, or to the API of your GitHub Enterprise Server'
  expect(() => gitHubApiUrl({ GITHUB_API_URL })).toThrow(
    expect.objectContaining({ code: 'invalid_input', message, diagnostics: [{ message }] }),
  )
})
