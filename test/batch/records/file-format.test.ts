import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatProblem } from '../../../src/batch/records/file-format.ts'
import { newFolder, withFile } from '../files.ts'

const problemOf = (content: string, path: string) =>
  withFile(join(newFolder(), 'batch'), content, (descriptor) => formatProblem(descriptor, path))

const expected = 'batch-file takes NDJSON (one JSON object per line)'
const yaml = `looks like YAML; ${expected}. For one request use payload-file`
const csv = `looks like CSV; ${expected}. Convert each row to an object`

test.each<[path: string, content: string, message: string]>([
  ['nov.yml', 'memo: x\ntotal: "1.00"\n', `nov.yml ${yaml}`],
  ['nov.ndjson', '# November\nmemo: x\n', `nov.ndjson ${yaml}`],
  ['nov.ndjson', '---\n- memo: x\n', `nov.ndjson ${yaml}`],
  ['nov.ndjson', '- memo: x\n', `nov.ndjson ${yaml}`],
  ['nov.yaml', '{memo: x}\n', `nov.yaml ${yaml}`],
  ['nov.YML', 'memo', `nov.YML ${yaml}`],
  ['nov.ndjson', '  memo: x\n', `nov.ndjson ${yaml}`],
  ['nov.csv', 'memo\nx\n', `nov.csv ${csv}`],
  ['nov.TSV', 'memo', `nov.TSV ${csv}`],
  ['nov.ndjson', 'integrationConfigurationId,memo,total\nicfg_1,x,1.00\n', `nov.ndjson ${csv}`],
  ['nov.ndjson', '"icfg_1";"x"\n', `nov.ndjson ${csv}`],
  [
    'nov.json',
    '[\n  {"memo": "x"}\n]\n',
    `nov.json looks like a JSON array; ${expected}. Convert it with: jq -c '.[]' nov.json`,
  ],
  [
    'nov.json',
    '[{"memo": "x"}, {"memo": "y"}]',
    `nov.json looks like a JSON array; ${expected}. Convert it with: jq -c '.[]' nov.json`,
  ],
  ['my nov.json', '[]', `my nov.json looks like a JSON array; ${expected}. Convert it with: jq -c '.[]' file`],
  [
    'nov.json',
    '{\n  "memo": "x"\n}\n',
    `nov.json looks like JSON over several lines; ${expected}. Convert it with: jq -c . nov.json. For one request use payload-file`,
  ],
])('%s with %j is not NDJSON', (path, content, message) => {
  expect(problemOf(content, path)).toEqual({ line: 1, message })
  expect(problemOf(`\n\n${content}`, path)).toEqual({ line: 3, message })
})

test.each(['nov.yml.ndjson', 'nov.yaml.json', 'nov.csv.ndjson', 'nov.tsv.json', 'yml', 'csv'])(
  'a file is not recognised by the middle of its name %j',
  (path) => {
    expect(problemOf('hello\n', path)).toBeUndefined()
  },
)

test.each([
  ['an object on each line', '{"memo": "x"}\n{"memo": "y"}\n'],
  ['an object on one line, in a file that is named .yml', '{"memo": "x"}\n'],
  ['a syntax error in the first object', '{"memo": }\n{"memo": "y"}\n'],
  ['half an object', '{"memo": "x"'],
  ['a list on one of several lines', '[1]\n{"memo": "x"}\n'],
  ['another JSON value', '42'],
  ['other text', 'hello'],
  ['nothing', ''],
])('a file with %s is checked line by line', (_, content) => {
  const path = content === '{"memo": "x"}\n' ? 'nov.yml' : 'nov.ndjson'
  expect(problemOf(content, path)).toBeUndefined()
})
