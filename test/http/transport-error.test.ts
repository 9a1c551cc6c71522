import { expect, test } from 'vitest'
import { connectFailureReason, ProxyError, TransportError } from '../../src/http/transport-error.ts'

const proxy = { address: 'proxy.example:3128', variable: 'HTTPS_PROXY' }
const notTrusted = "set NODE_EXTRA_CA_CERTS to a file with that of its authority, such as an intercepting proxy's own"

test.each<[code: string, direct: string, toProxy: string, throughProxy: string]>([
  [
    'ENOTFOUND',
    'the name of the host could not be resolved (ENOTFOUND): check its spelling, and the DNS of the runner',
    'the name of the proxy proxy.example:3128 could not be resolved (ENOTFOUND): check HTTPS_PROXY',
    'the name of the host could not be resolved (ENOTFOUND): check HTTPS_PROXY',
  ],
  [
    'EAI_AGAIN',
    'the name of the host could not be resolved (EAI_AGAIN): check its spelling, and the DNS of the runner',
    'the name of the proxy proxy.example:3128 could not be resolved (EAI_AGAIN): check HTTPS_PROXY',
    'the name of the host could not be resolved (EAI_AGAIN): check HTTPS_PROXY',
  ],
  [
    'ECONNREFUSED',
    'the host refused the connection (ECONNREFUSED): check its address and port',
    'the proxy proxy.example:3128 refused the connection (ECONNREFUSED): check HTTPS_PROXY',
    'the host refused the connection (ECONNREFUSED): check HTTPS_PROXY',
  ],
  [
    'EHOSTUNREACH',
    'the connection could not be opened (EHOSTUNREACH): check the network of the runner',
    'the connection to the proxy proxy.example:3128 could not be opened (EHOSTUNREACH): check HTTPS_PROXY',
    'the connection through the proxy proxy.example:3128 could not be opened (EHOSTUNREACH): check HTTPS_PROXY',
  ],
  ...['EMFILE', 'ENFILE'].map((code) => {
    const reason = `the runner has no free file descriptors (${code}): raise their limit (\`ulimit -n\` on Linux and macOS), or lower \`concurrency\``
    return [code, reason, reason, reason] as [string, string, string, string]
  }),
  ...['EADDRNOTAVAIL', 'ENOBUFS'].map((code) => {
    const reason = `the runner has no free ports or buffers for a connection (${code}): lower \`concurrency\``
    return [code, reason, reason, reason] as [string, string, string, string]
  }),
  ...(
    [
      ['ERR_TLS_CERT_ALTNAME_INVALID', ': the certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)'],
      ['CERT_HAS_EXPIRED', ': the certificate is out of date, or the clock here is (CERT_HAS_EXPIRED)'],
      ['CERT_NOT_YET_VALID', ': the certificate is out of date, or the clock here is (CERT_NOT_YET_VALID)'],
      ...[
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'INVALID_CA',
        'INVALID_PURPOSE',
        'CERT_UNTRUSTED',
      ].map((code) => [code, `: the certificate is not trusted (${code}); ${notTrusted}`] as const),
      ...[
        'EPROTO',
        'ERR_SSL_WRONG_VERSION_NUMBER',
        'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA_CERT',
        'ERR_TLS_HANDSHAKE_TIMEOUT',
      ].map((code) => [code, ` (${code}): check that https is spoken there`] as const),
    ] as const
  ).map(
    ([code, reason]) =>
      [
        code,
        `TLS failed${reason}`,
        `TLS to the proxy proxy.example:3128 failed${reason}`,
        `TLS through the proxy proxy.example:3128 failed${reason}`,
      ] as [string, string, string, string],
  ),
])('a connection that does not open because of %s', (code, direct, toProxy, throughProxy) => {
  const error = Object.assign(new Error('connect'), { code })
  expect(connectFailureReason(error)).toBe(direct)
  expect(connectFailureReason(error, { to: proxy })).toBe(toProxy)
  expect(connectFailureReason(error, { through: proxy })).toBe(throughProxy)
})

test.each(['EPROTONOSUPPORT', 'XEPROTO', 'INVALID_CALL', 'NOT_INVALID_PURPOSE'])(
  '%s is not a problem of TLS',
  (code) => {
    expect(connectFailureReason(Object.assign(new Error('x'), { code }))).toBe(
      `the connection could not be opened (${code}): check the network of the runner`,
    )
  },
)

test('an error without a code is shown by its message', () => {
  expect(connectFailureReason(new Error('no route'))).toBe(
    'the connection could not be opened (no route): check the network of the runner',
  )
})

test('errors have names by which a log tells them', () => {
  expect(new TransportError('reset', 'x', { mayHaveArrived: true }).name).toBe('TransportError')
  expect(new ProxyError('x')).toMatchObject({ name: 'ProxyError', code: undefined })
})
