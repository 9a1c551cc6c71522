import { expect, test } from 'vitest'
import { readStepOutputs } from '../../scripts/step-outputs.ts'

const text = 'status<<ghadelimiter_1\naccepted\nghadelimiter_1\nempty<<d2\n\nd2\nmessage<<d3\ntwo\nlines\nd3\n'

test.each([
  ['LF', text],
  ['CRLF, as on Windows', text.replaceAll('\n', '\r\n')],
])('the outputs of a step are read with %s', (_, content) => {
  expect(readStepOutputs(content)).toEqual({ status: 'accepted', empty: '', message: 'two\nlines' })
})
