// A certificate for a server on loopback, and the authority that signs it (RFC 5280 §4.1).

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  return Buffer.concat([Buffer.from(length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]), content])
}
const bytes = (tag: number, ...values: number[]) => tlv(tag, Buffer.from(values))
const text = (tag: number, value: string) => tlv(tag, Buffer.from(value))
const sequence = (...parts: Buffer[]) => tlv(0x30, ...parts)
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'))
const nameOf = (name: string) => sequence(tlv(0x31, sequence(oid('550403'), text(0x0c, name))))

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const isAuthority = sequence(oid('551d13'), tlv(0x04, sequence(bytes(0x01, 0xff))))
const isFor = (...names: Buffer[]) => sequence(oid('551d11'), tlv(0x04, sequence(...names)))
const isForLoopback = isFor(bytes(0x87, 127, 0, 0, 1))

interface CertificateOptions {
  readonly subject: string
  readonly issuer: string
  readonly extension: Buffer
  /** The last year in which the certificate is valid. */
  readonly year?: number
}

function issue(
  { subject, issuer, extension, year = 2049 }: CertificateOptions,
  key: KeyObject,
  signer: KeyObject,
): string {
  const content = sequence(
    bytes(0xa0, 0x02, 0x01, 2),
    bytes(0x02, 1),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(text(0x17, '200101000000Z'), text(0x17, `${year % 100}1231235959Z`)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(extension)),
  )
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', content, signer))
  const base64 = sequence(content, ecdsaWithSha256, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** Makes, as PEM, the certificate of an authority, and the certificate and key of a server on 127.0.0.1 or `host`. */
export function makeCertificates({ year, host }: { year?: number; host?: string } = {}) {
  const [root, server] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' })) as [Pair, Pair]
  const extension = host === undefined ? isForLoopback : isFor(text(0x82, host))
  const subject = host ?? '127.0.0.1'
  const issuer = `Authority of ${subject}`
  const options = { subject, issuer, extension, ...(year && { year }) }
  return {
    authority: issue({ subject: issuer, issuer, extension: isAuthority }, root.publicKey, root.privateKey),
    cert: issue(options, server.publicKey, root.privateKey),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

type Pair = ReturnType<typeof generateKeyPairSync>
