import { expect, test } from 'vitest'
import { Secrets } from '../src/secrets.ts'

function secretsOf(...values: string[]): Secrets {
  const secrets = new Secrets()
  secrets.add(values)
  return secrets
}

test('a long text with many ellipses and a thousand secrets is searched', () => {
  const secrets = secretsOf(...Array.from({ length: 1000 }, (_, index) => `vct_token_${index}_abcdefghijklmnop`))
  const text = 'vct_…%41&amp;\\n'.repeat(5_000)
  expect(secrets.scrub(`${text}vct_token_999_abcdefghijklmnop`).endsWith('\\n***')).toBe(true)
})
