// Judges: two readers of what a server has written, who know nothing of each other and nothing of src/.
//
// One takes the bytes apart by the text of RFC 6455 §5.2 and RFC 7692 §7.2.2, with one window of the past as a client
// keeps it. The other is the Receiver of `ws`, as any of its clients runs it.

import { once } from 'node:events'
import { constants, inflateRawSync } from 'node:zlib'
import * as ws from 'ws'
import { OPCODE, readFrames, type Said, type WireFrame } from './frames.ts'

/** Exported by `ws`, and not all in its types. */
const { Receiver, Sender, PerMessageDeflate, extension } = ws as unknown as {
  readonly Receiver: new (options: object) => NodeJS.WritableStream
  readonly Sender: { frame(data: Buffer, options: object): Buffer[] }
  readonly PerMessageDeflate: new (options: object) => { accept(offers: unknown): void }
  readonly extension: { parse(header: string): Record<string, unknown> }
}

const NAME = 'permessage-deflate'
const TAIL = Buffer.from('0000ffff', 'hex')
const COMPRESSED = 4 // RSV1

/** What a reader has made of a stream: messages, pings and pongs in their order, and the Close frame's code. */
export interface Heard {
  readonly messages: Said[]
  readonly pings: Buffer[]
  readonly pongs: Buffer[]
  readonly closeCode: number | undefined
}

/** Reads `bytes`, which have to be whole frames and nothing else, as the two RFCs say. */
export function readByTheBook(bytes: Buffer, agreed: string): Heard & { frames: WireFrame[] } {
  const { frames, rest } = readFrames(bytes)
  if (rest.length > 0) throw new Error('half a frame')
  const windowBits = Number(/server_max_window_bits=(\d+)/.exec(agreed)?.[1] ?? 15)
  const keepsWindow = !agreed.includes('server_no_context_takeover')
  let window = Buffer.alloc(0)
  const inflate = (payload: Buffer) => {
    const all = Buffer.concat([payload, TAIL])
    // Raw inflate knows no window of 8 bits; it is 9 that are kept for it then.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, windowBits: Math.max(9, windowBits) }
    const dictionary = window.length > 0 ? { dictionary: window } : {}
    const message = inflateRawSync(all, { ...options, ...dictionary })
    if (keepsWindow) window = Buffer.concat([window, message]).subarray(-(2 ** windowBits))
    return message
  }
  const messages: Said[] = []
  for (const { fin, rsv, opcode, payload } of frames) {
    if (!fin) throw new Error('a fragment')
    if (rsv !== 0 && (rsv !== COMPRESSED || opcode >= 8 || !agreed.includes(NAME))) {
      throw new Error(`RSV ${rsv} on opcode ${opcode}`)
    }
    if (opcode >= 8) continue
    const message = rsv === 0 ? payload : inflate(payload)
    messages.push(opcode === OPCODE.text ? message.toString() : message)
  }
  const payloads = (wanted: number) =>
    frames.flatMap(({ opcode, payload }) => (opcode === wanted ? [payload] : []))
  const [close] = payloads(OPCODE.close)
  return {
    frames,
    messages,
    pings: payloads(OPCODE.ping),
    pongs: payloads(OPCODE.pong),
    closeCode: close === undefined || close.length < 2 ? undefined : close.readUInt16BE(),
  }
}

/** A client's bytes without their masks; throws where one is missing (RFC 6455 §5.3). */
export function unmasked(bytes: Buffer): Buffer {
  const frames: Buffer[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const [, second = 0] = rest
    if (second < 128) throw new Error('a client has not masked a frame')
    const short = second - 128
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    const more = header === 2 ? 0 : rest.readUIntBE(header === 4 ? 2 : 4, header === 4 ? 2 : 6)
    const end = header + 4 + (more || short)
    if (rest.length < end) throw new Error('half a frame')
    const key = rest.subarray(header, header + 4)
    const payload = rest.subarray(header + 4, end)
    const head = Buffer.from(rest.subarray(0, header))
    head[1] = short
    frames.push(head, Buffer.from(payload.map((byte, at) => byte ^ (key[at % 4] as number))))
    rest = rest.subarray(end)
  }
  return Buffer.concat(frames)
}

/** Reads `bytes` as `ws` does, a client of it unless told otherwise. */
export async function readByWs(bytes: Buffer, agreed: string, isServer = false): Promise<Heard> {
  const extensions: Record<string, unknown> = {}
  if (agreed !== '') {
    const deflate = new PerMessageDeflate({ isServer })
    deflate.accept(extension.parse(agreed)[NAME])
    extensions[NAME] = deflate
  }
  const receiver = new Receiver({ isServer, extensions, maxFragments: 1 })
  const heard = { messages: [] as Said[], pings: [] as Buffer[], pongs: [] as Buffer[] }
  let closeCode: number | undefined
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    heard.messages.push(isBinary ? Buffer.from(data) : data.toString()),
  )
  receiver.on('ping', (data: Buffer) => heard.pings.push(Buffer.from(data)))
  receiver.on('pong', (data: Buffer) => heard.pongs.push(Buffer.from(data)))
  receiver.on('conclude', (code: number) => (closeCode = code))
  const finished = once(receiver, 'finish')
  receiver.end(Buffer.from(bytes))
  await finished
  return { ...heard, closeCode }
}

/** The bytes of an uncompressed message as `ws` frames it. */
export function framedByWs(said: Said): Buffer {
  const opcode = typeof said === 'string' ? OPCODE.text : OPCODE.binary
  const options = { fin: true, rsv1: false, opcode, mask: false, readOnly: true }
  return Buffer.concat(Sender.frame(Buffer.from(said as string), options))
}
