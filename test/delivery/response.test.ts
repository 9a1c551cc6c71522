// What a response says: its body, its error, and whether it is a page of a proxy.

import { describe, expect, test } from 'vitest'
import { describeError, errorOf, truncate } from '../../src/delivery/error-response.ts'
import { isHtml, parseBody, requestId } from '../../src/delivery/response.ts'
import { respond } from './planned.ts'

describe('the error of a response', () => {
  test.each<[body: unknown, code: string, message: string]>([
    [{ error: { code: 'forbidden', message: 'Not authorized' } }, 'forbidden', 'Not authorized'],
    [{ code: 'forbidden', message: 'Not authorized' }, 'forbidden', 'Not authorized'],
    [{ error: 'invalid_grant', message: 'The code has expired' }, 'invalid_grant', 'The code has expired'],
    [{ error: 'invalid_grant', error_description: 'The code has expired' }, 'invalid_grant', 'The code has expired'],
    [{ error: 'invalid_grant' }, 'invalid_grant', ''],
    [{ error: 'The code has expired' }, '', 'The code has expired'],
    [{ error: 'expired code' }, '', 'expired code'],
    [{ error: 'Bad Request', message: 'The code has expired', code: 'bad' }, 'bad', 'The code has expired'],
    [{ error: { code: 'bad', error: 'other', error_description: 'Why' } }, 'bad', 'Why'],
    [{ error: true }, '', ''],
    [{ error: null, code: 4711, message: 'No' }, '4711', 'No'],
    [{ error: { code: { a: 1 }, message: ['No'] } }, '', ''],
    [{}, '', ''],
    [[{ code: 'a', message: 'b' }], '', ''],
    ['Bad gateway', '', 'Bad gateway'],
    [undefined, '', ''],
    [null, '', ''],
    [7, '', ''],
  ])('%j', (body, code, message) => {
    expect(errorOf(respond(400, body))).toEqual({ code, message })
  })

  test('is cut, and the cut is marked', () => {
    const long = 'x'.repeat(2000)
    expect(errorOf(respond(400, { error: { message: long } })).message).toBe(`${'x'.repeat(1000)}…`)
    expect(errorOf(respond(400, long)).message).toBe(`${'x'.repeat(300)}…`)
    expect(errorOf(respond(400, { code: long })).code).toBe(`${'x'.repeat(200)}…`)
  })

  test('in short has its status, and its code and message if there are any', () => {
    expect(describeError(respond(409, { error: { code: 'conflict', message: 'There' } }))).toBe('409 conflict: There')
    expect(describeError(respond(409, { error: { code: 'conflict' } }))).toBe('409 conflict')
    expect(describeError(respond(502, 'Bad gateway'))).toBe('502: Bad gateway')
    expect(describeError(respond(502))).toBe('502')
  })
})

test('a text is cut to its first characters, and never through one', () => {
  expect(truncate('abcd', 4)).toBe('abcd')
  expect(truncate('abcde', 4)).toBe('abcd…')
  expect(truncate('abc😀', 4)).toBe('abc…')
  expect(truncate('ab\ud800c', 9)).toBe('ab\ud800c')
  expect(truncate('\ud83dabcde', 3)).toBe('\ud83dab…')
})

test('the id of a request is that of x-vercel-id', () => {
  expect(requestId(respond(200, '', { 'x-vercel-id': 'fra1::a-1' }))).toBe('fra1::a-1')
  expect(requestId(respond(200))).toBe('')
})

describe('the body of a response', () => {
  test.each<[text: string, body: unknown]>([
    ['{"a":1}', { a: 1 }],
    ['"a"', 'a'],
    [' \n', undefined],
    ['{"a":', '{"a":'],
    ['Bad gateway', 'Bad gateway'],
  ])('%j', (text, body) => {
    expect(parseBody({ text })).toEqual(body)
  })

  const nested = (depth: number, inner = '', [open, close]: readonly [string, string] = ['[', ']']) =>
    `${open.repeat(depth)}${inner}${close.repeat(depth)}`

  test.each([
    ['lists', ['[', ']']],
    ['objects', ['{"a":', '}']],
  ] as const)('is parsed to a depth of 200, and a text below: %s', (_, brackets) => {
    const [shallow, deep] = [nested(200, '1', brackets), nested(201, '1', brackets)]
    expect(parseBody({ text: shallow })).toEqual(JSON.parse(shallow))
    expect(parseBody({ text: deep })).toBe(deep)
  })

  test('may have any number of brackets in texts, and beside each other', () => {
    for (const text of [
      JSON.stringify({ a: '['.repeat(500) }),
      JSON.stringify({ a: '"'.repeat(300), b: '['.repeat(500) }),
      JSON.stringify(Array.from({ length: 500 }, () => [{}])),
      JSON.stringify({ 'a\\': '\\"[{'.repeat(300) }),
    ]) {
      expect(parseBody({ text })).toEqual(JSON.parse(text))
    }
    const deepAfterText = `["\\\\",${nested(300, '1')}]`
    expect(parseBody({ text: deepAfterText })).toBe(deepAfterText)
  })
})

describe('a page of a proxy', () => {
  test.each([
    ['<!DOCTYPE html><p>x', {}],
    ['\n <html>', {}],
    ['<HEAD>', {}],
    ['<body>', {}],
    ['<?xml version="1.0"?><html>', {}],
    ['Sign in', { 'content-type': 'text/html; charset=utf-8' }],
    ['<p>Sign in', { 'content-type': 'text/html' }],
    ['Sign in', { 'content-type': 'TEXT/HTML' }],
    ['Sign in', { 'content-type': 'application/xhtml+xml' }],
    ['\n<!-- proxy --><!DOCTYPE html>', { 'content-type': 'application/json' }],
    ['<script>location = "/login"</script>', {}],
    ['<meta http-equiv="refresh">', {}],
    ['<title>Sign in</title>', {}],
  ])('%j %j', (text, headers) => {
    expect(isHtml(respond(200, text, headers as Record<string, string>))).toBe(true)
  })

  test.each([
    ['{"a":"<html>"}', { 'content-type': 'text/html' }],
    [' ["x"]', { 'content-type': 'text/html' }],
    ['"x"', { 'content-type': 'text/html' }],
    ['', { 'content-type': 'text/html' }],
    [' \n', { 'content-type': 'text/html' }],
    ['Sign in', { 'content-type': 'text/plain' }],
    ['Sign in', {}],
    ['see <html>', {}],
    ['<p>', {}],
  ])('is not %j %j', (text, headers) => {
    expect(isHtml(respond(200, text, headers as Record<string, string>))).toBe(false)
  })
})
