// Wire: the frames and the handshake of a client, as bytes.
//
// RFC 6455 §1.3 and §5.2; the offer of compression is RFC 7692 §7.1. Only what the load process needs.

import { createHash } from 'node:crypto'

export const TEXT = 0x1
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa
/** Set in the first byte of a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CLIENT_KEY = 'd2luZHNvY2sgYmVuY2ggIQ=='
const ACCEPT = createHash('sha1').update(`${CLIENT_KEY}${ACCEPT_SUFFIX}`).digest('base64')
// Not zero: `ws` skips the unmasking of a zero mask.
const MASK = Buffer.from([0x9d, 0x31, 0xe4, 0x5a])
const FIN = 0x80
const MASKED = 0x80

/** A client's frame. */
export function maskedFrame(opcode: number, body: Buffer): Buffer {
  const masked = Buffer.from(body)
  for (let i = 0; i < masked.length; i++) masked[i] = (body[i] ?? 0) ^ (MASK[i & 3] ?? 0)
  return Buffer.concat([frameHeader(opcode, body.length, MASKED), MASK, masked])
}

/** A server's frame. */
export function plainFrame(opcode: number, body: Buffer): Buffer {
  return Buffer.concat([frameHeader(opcode, body.length, 0), body])
}

export interface FrameHead {
  readonly firstByte: number
  readonly payloadAt: number
  readonly end: number
}

/** The server's frame at `at`; undefined until all of it is there. */
export function frameAt(chunk: Buffer, at: number): FrameHead | undefined {
  if (chunk.length < at + 2) return undefined
  const firstByte = chunk[at] ?? 0
  const short = (chunk[at + 1] ?? 0) & 0x7f
  const payloadAt = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
  if (chunk.length < payloadAt) return undefined
  const length =
    short < 126
      ? short
      : short === 126
        ? chunk.readUInt16BE(at + 2)
        : Number(chunk.readBigUInt64BE(at + 2))
  const end = payloadAt + length
  return chunk.length < end ? undefined : { firstByte, payloadAt, end }
}

/** The request that opens a WebSocket at `path`. */
export function upgradeRequest(path: string, port: number, deflate: boolean): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${CLIENT_KEY}`,
    // What browsers offer.
    ...(deflate ? ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] : []),
    '\r\n',
  ].join('\r\n')
}

/** What is wrong with the server's answer to `upgradeRequest`, or nothing. */
export function upgradeFault(head: string, deflate: boolean): string | undefined {
  const status = head.slice(0, head.indexOf('\r\n'))
  if (!status.startsWith('HTTP/1.1 101')) return `the upgrade was answered with "${status}"`
  const given = headerIn(head, 'sec-websocket-accept')
  if (given !== ACCEPT) return `Sec-WebSocket-Accept is ${given}, expected ${ACCEPT}`
  const extensions = headerIn(head, 'sec-websocket-extensions')
  if (deflate && extensions?.startsWith('permessage-deflate') !== true) {
    return 'compression was offered and not agreed on'
  }
  if (!deflate && extensions !== undefined) return 'an extension was chosen, none was offered'
  return undefined
}

/** Whether the server said that each message is compressed by itself (RFC 7692 §7.1.1.1). */
export function eachByItself(head: string): boolean {
  return headerIn(head, 'sec-websocket-extensions')?.includes('server_no_context_takeover') === true
}

function headerIn(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?) *\\r$`, 'im').exec(head)?.[1]
}

function frameHeader(opcode: number, length: number, masking: number): Buffer {
  const first = FIN | opcode
  if (length < 126) return Buffer.from([first, masking | length])
  if (length < 65_536) return Buffer.from([first, masking | 126, length >> 8, length & 0xff])
  const header = Buffer.from([first, masking | 127, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
}
