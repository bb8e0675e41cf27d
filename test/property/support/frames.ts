// Frames: RFC 6455 §5.2 once more, written from the text and from nothing in src/ or `ws`, so that it can judge both;
// and what a peer may put on the wire, before the 101 and after it.

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface WireFrame {
  readonly fin: boolean
  /** RSV1, RSV2, RSV3 as the bits 4, 2, 1. */
  readonly rsv: number
  readonly opcode: number
  readonly payload: Buffer
}

/** The bytes of a frame; with `mask` as a client sends it. */
export function encodeFrame({ fin, rsv, opcode, payload }: WireFrame, mask?: Uint8Array): Buffer {
  const first = (fin ? 128 : 0) + rsv * 16 + opcode
  const masked = mask === undefined ? 0 : 128
  const size = payload.length
  const length =
    size < 126
      ? [masked + size]
      : size < 65_536
        ? [masked + 126, size >> 8, size & 255]
        : [masked + 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]
  if (mask === undefined) return Buffer.concat([Buffer.from([first, ...length]), payload])
  const hidden = payload.map((byte, index) => byte ^ (mask[index % 4] as number))
  return Buffer.concat([Buffer.from([first, ...length]), mask, hidden])
}

/** The whole frames at the beginning of what a server has written, and what is left over. */
export function readFrames(bytes: Buffer): { frames: WireFrame[]; rest: Buffer } {
  const frames: WireFrame[] = []
  let rest = bytes
  while (rest.length >= 2) {
    const [first, second] = rest as unknown as [number, number]
    if (second >= 128) throw new Error('a server has masked a frame')
    const header = second < 126 ? 2 : second === 126 ? 4 : 10
    if (rest.length < header) break
    const size = header === 2 ? second : rest.readUIntBE(header === 4 ? 2 : 4, header === 4 ? 2 : 6)
    if (header > 2 && size < (header === 4 ? 126 : 65_536))
      throw new Error('not the shortest length')
    if (rest.length < header + size) break
    const payload = rest.subarray(header, header + size)
    frames.push({ fin: first >= 128, rsv: (first >> 4) & 7, opcode: first & 15, payload })
    rest = rest.subarray(header + size)
  }
  return { frames, rest }
}

/** The code of a Close frame; 1005 for one without a body. */
export function closeCodeOf({ payload }: WireFrame): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0)
}

export type Said = string | Buffer

/** A frame with everything as it should be. */
export function whole(opcode: number, payload: Uint8Array | string = ''): WireFrame {
  return { fin: true, rsv: 0, opcode, payload: Buffer.from(payload as string) }
}

export function messageFrame(said: Said): WireFrame {
  return whole(typeof said === 'string' ? OPCODE.text : OPCODE.binary, said)
}

export function closeFrame(code: number, reason: Uint8Array | string = ''): WireFrame {
  const body = Buffer.from(reason as string)
  return whole(OPCODE.close, Buffer.concat([Buffer.from([code >> 8, code & 255]), body]))
}

/** A message in as many frames as there are cuts, and one more (§5.4). */
export function fragmented(said: Said | WireFrame, cuts: readonly number[]): WireFrame[] {
  const { opcode, payload } =
    typeof said === 'string' || Buffer.isBuffer(said) ? messageFrame(said) : said
  return split(payload, cuts).map((part, index, { length }) => ({
    fin: index === length - 1,
    rsv: 0,
    opcode: index === 0 ? opcode : OPCODE.continuation,
    payload: part,
  }))
}

/** Bytes cut at places that are given modulo their length, so that any numbers are places; parts may be empty. */
export function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
  const edges = [0, ...places, bytes.length]
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end))
}

/** Frames as a client sends them, each masked with a key of its own. */
export function fromClient(frames: readonly WireFrame[], seed = 0x5bd1e995): Buffer {
  return Buffer.concat(frames.map((frame, index) => encodeFrame(frame, keyOf(seed + index))))
}

export function keyOf(seed: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt32BE(Math.imul(seed, 0x9e3779b1))
  return key
}

// ── arbitraries ──────────────────────────────────────────────────────────────────────────────────

/** Bytes from a seed: a hundred values of fast-check's own cost more than what is tested with them. */
export const bytesOf = (maxLength: number, minLength = 0) =>
  fc.tuple(fc.integer({ min: minLength, max: maxLength }), fc.nat()).map(([size, seed]) => {
    let state = seed
    return Buffer.alloc(size).map(() => (state = Math.imul(state + 1, 0x9e3779b1)) >>> 24) as Buffer
  })

/** Any text, and any bytes. */
export const anySaid: fc.Arbitrary<Said> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  bytesOf(200).map((bytes) => bytes.map((byte) => byte & 127).toString()),
  bytesOf(200),
)

/** Places to cut at, for `split` and `fragmented`. */
export const cutsOf = (maxLength: number) =>
  fc.array(fc.nat({ max: 100_000 }), { maxLength, size: 'max' })

export const controlFrame = fc
  .tuple(fc.constantFrom(OPCODE.ping, OPCODE.pong), bytesOf(125))
  .map(([opcode, payload]) => whole(opcode, payload))

/** What a client may say, as frames that keep every rule: messages in pieces, pings and pongs anywhere between. */
export const conversation = fc.array(
  fc
    .tuple(anySaid, cutsOf(4), fc.array(fc.option(controlFrame), { maxLength: 5 }))
    .map(([said, cuts, between]) => {
      const frames = fragmented(said, cuts).flatMap((frame, index) => {
        const control = between[index] ?? undefined
        return control === undefined ? [frame] : [control, frame]
      })
      return { said, frames }
    }),
  { maxLength: 4 },
)

/** Frames that break §5.2 or §5.5 wherever they come, masked though they are. */
export const brokenFrame: fc.Arbitrary<WireFrame> = fc.oneof(
  fc
    .tuple(fc.constantFrom(1, 2, 8, 9, 10), fc.integer({ min: 1, max: 7 }), bytesOf(20))
    .map(([opcode, rsv, payload]) => ({ fin: true, rsv, opcode, payload })),
  fc
    .tuple(fc.boolean(), fc.constantFrom(3, 4, 5, 6, 7, 11, 12, 13, 14, 15), bytesOf(20))
    .map(([fin, opcode, payload]) => ({ fin, rsv: 0, opcode, payload })),
  fc
    .tuple(fc.constantFrom(8, 9, 10), bytesOf(125))
    .map(([opcode, payload]) => ({ fin: false, rsv: 0, opcode, payload })),
  fc
    .tuple(
      fc.constantFrom(8, 9, 10),
      fc.oneof(bytesOf(200, 126), fc.constant(Buffer.alloc(65_536))),
    )
    .map(([opcode, payload]) => ({ fin: true, rsv: 0, opcode, payload })),
)

/** The pieces of a conversation, as one list of frames and one of messages. */
export const framesOf = (parts: readonly { frames: WireFrame[] }[]) =>
  parts.flatMap(({ frames }) => frames)
export const saidOf = (parts: readonly { said: Said }[]) => parts.map(({ said }) => said)

/** Text that is UTF-8, or is not in one place. */
export const nearlyText = fc
  .tuple(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.nat(),
    fc.constantFrom(...',,,,ff,c080,e08080,eda080,edbfbf,f4908080,c3,e282,80'.split(',')),
  )
  .map(([text, at, bad]) => {
    const [before, after] = split(Buffer.from(text), [at]) as [Buffer, Buffer]
    return Buffer.concat([before, Buffer.from(bad, 'hex'), after])
  })

/** Close frames whose codes and reasons may stand on the wire (§5.5.1, §7.4), and some whose may not. */
export const anyClose: fc.Arbitrary<WireFrame> = fc.oneof(
  fc
    .tuple(
      fc.oneof(
        fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000),
        fc.nat({ max: 65_535 }),
      ),
      nearlyText,
    )
    .map(([code, reason]) => closeFrame(code, reason.subarray(0, 123))),
  bytesOf(3).map((body) => whole(OPCODE.close, body)),
)

/** What the bytes say, or `undefined` when they are no UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Frames, broken frames, headers that promise anything, and noise. */
export const scraps = fc
  .array(
    fc.oneof(
      bytesOf(40),
      conversation.map((parts) => fromClient(framesOf(parts))),
      brokenFrame.map((frame) => fromClient([frame])),
      fc
        .tuple(
          fc.constantFrom(0x81, 0x02, 0x80, 0xc1, 0x88, 0x89),
          fc.nat({ max: 127 }),
          bytesOf(14),
        )
        .map(([first, size, rest]) => Buffer.from([first, 128 + size, ...rest])),
    ),
    { maxLength: 5 },
  )
  .map((pieces) => Buffer.concat(pieces))

// ── compression ───────────────────────────────────────────────────────────────────────────────────

export const DEFLATE = [
  'Sec-WebSocket-Extensions',
  'permessage-deflate; server_no_context_takeover',
] as const
const TAIL = Buffer.from('0000ffff', 'hex')
const flushed = { finishFlush: constants.Z_SYNC_FLUSH }
export const deflated = (bytes: Uint8Array) => deflateRawSync(bytes, flushed).subarray(0, -4)
export const inflated = (bytes: Buffer) => inflateRawSync(Buffer.concat([bytes, TAIL]), flushed)
// ── sizes and floods ──────────────────────────────────────────────────────────────────────────────

export const sizesAndPieces = fc.record({
  L: fc.integer({ min: 2, max: 300 }),
  over: fc.constantFrom(-1, 0, 1, 2, 200),
  opcode: fc.constantFrom(OPCODE.text, OPCODE.binary),
  cuts: cutsOf(6),
  controls: fc.array(controlFrame, { maxLength: 6 }),
})

export const flood = fc.array(
  fc.oneof({ weight: 4, arbitrary: anySaid.map(messageFrame) }, controlFrame),
  {
    minLength: 10,
    maxLength: 40,
    size: 'max',
  },
)

// ── requests and headers ──────────────────────────────────────────────────────────────────────────

type Lines = readonly (readonly [string, string])[]
type Part = readonly [lines: Lines, isGood: boolean]
/** One line that is mostly good, sometimes bad, missing or there twice. */
const part = (name: string, good: string[], bad: string[]): fc.Arbitrary<Part> => {
  const one = (value: string, isGood: boolean): Part => [[[name, value]], isGood]
  const twice = good.map((value): Part => [[...one(value, true)[0], ...one(value, true)[0]], false])
  const others = [...bad.map((value) => one(value, false)), [[], false] as const, ...twice]
  return fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...good.map((value) => one(value, true))) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
}
const optional = (name: string, good: string[], bad: string[]): fc.Arbitrary<Part> =>
  fc.oneof(
    fc.constant<Part>([[], true]),
    part(name, good, bad).filter(([lines]) => lines.length > 0),
  )
const word = (good: string, ...bad: string[]) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  )
const key = bytesOf(16, 16).map((bytes) => bytes.toString('base64'))
export const requestHead = fc.record({
  method: word('GET', 'POST', 'HEAD', 'OPTIONS', 'get'),
  version: word('1.1', '1.0', '2.0', '1.0'),
  parts: fc
    .tuple(
      part('Host', ['example.org', 'example.org:80'], ['', 'a b', 'example.org/']),
      part('Upgrade', ['websocket', 'h2c, WebSocket'], ['h2c', '']).map(sameTwice),
      part('Connection', ['Upgrade', 'keep-alive, upgrade'], ['close', '']).map(sameTwice),
      part('Sec-WebSocket-Version', ['13', '8'], ['12', '013', '13, 8', '']),
      key.chain((good) => part('Sec-WebSocket-Key', [good], ['', 'AAAA', `${good}=`, `x${good}`])),
      optional(
        'Origin',
        ['http://example.org'],
        ['http://example.com', 'null', 'http://example.org:81'],
      ),
      optional('Content-Length', ['0'], ['1', 'x']),
      optional('Sec-WebSocket-Protocol', ['a', 'c, b'], ['a, a', 'a b', ',']),
    )
    .map((parts) => [...parts]),
})

// Lists may come in several lines.
function sameTwice([lines, isGood]: Part): Part {
  return [lines, isGood || lines.length === 2]
}

// Also characters that become CR, LF or NUL where only the low byte of each is written.
const nasty = fc.string({ unit: fc.constantFrom(...'aZ;, =\r\n\0\u010a\u010d\u0100é\u2028😀') })
export const nastyText = fc.oneof(
  nasty,
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constant('a\r\nSet-Cookie: b=c'),
)
export const headerValues = fc.dictionary(
  nastyText,
  fc.oneof(nastyText, fc.array(nastyText, { maxLength: 3 })),
  {
    maxKeys: 3,
  },
)
