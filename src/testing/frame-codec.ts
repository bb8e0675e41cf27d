// Frame codec: RFC 6455 §5.2 as the other end needs it, to say anything and to hear exactly what came.
//
// Written from the RFC's text. It shares nothing with `ws`, which the server reads and writes with, so that each of the
// two would notice a mistake of the other.

/** Opcodes (§5.2). */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** One frame, whatever it may be good for. */
export interface Frame {
  /** Default true. */
  readonly fin?: boolean
  /** RSV1, RSV2, RSV3 as the bits 4, 2, 1; default 0. */
  readonly rsv?: number
  /** As in `OPCODES`, or any other up to 15. */
  readonly opcode: number
  /** Before it is masked. */
  readonly payload: Uint8Array
  /** A client masks (§5.1); `false` does not. Default true. */
  readonly masked?: boolean
}

/** The bytes of a frame as a client sends it; `key` is 4 bytes. */
export function encodeFrame(frame: Frame, key: Uint8Array): Buffer {
  const { fin = true, rsv = 0, opcode, payload, masked = true } = frame
  const size = payload.length
  const head = size < 126 ? 2 : size < 65_536 ? 4 : 10
  const bytes = Buffer.alloc(head + (masked ? 4 : 0) + size)
  bytes[0] = (fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 15)
  bytes[1] = (masked ? 0x80 : 0) | (head === 2 ? size : head === 4 ? 126 : 127)
  if (head === 4) bytes.writeUInt16BE(size, 2)
  if (head === 10) bytes.writeUIntBE(size, 4, 6)
  if (!masked) {
    bytes.set(payload, head)
    return bytes
  }
  bytes.set(key.subarray(0, 4), head)
  for (let at = 0; at < size; at++) {
    bytes[head + 4 + at] = (payload[at] as number) ^ (key[at & 3] as number)
  }
  return bytes
}

/** The payload of a Close frame; 1005 stands for none (§7.4.1). */
export function closePayload(code: number, reason = ''): Uint8Array {
  if (code === 1005) return new Uint8Array()
  const body = new TextEncoder().encode(reason)
  return Uint8Array.from([(code >> 8) & 255, code & 255, ...body])
}

/** A whole frame that a server has sent. */
export type ServerFrame = Required<Omit<Frame, 'masked'>>

/** Takes bytes in any pieces and gives whole frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** Bytes of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#rest.length
  }

  /** @throws Error for what no server may send: a mask (§5.1), or a length that is not the shortest (§5.2). */
  push(bytes: Uint8Array): ServerFrame[] {
    let rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes])
    const frames: ServerFrame[] = []
    for (;;) {
      const next = firstFrame(rest)
      if (next === undefined) break
      frames.push(next.frame)
      rest = rest.subarray(next.end)
    }
    this.#rest = rest
    return frames
  }
}

function firstFrame(bytes: Buffer): { frame: ServerFrame; end: number } | undefined {
  if (bytes.length < 2) return undefined
  const [first, second] = bytes as unknown as [number, number]
  if (second >= 0x80) throw new Error('the server has sent a masked frame')
  const head = second < 126 ? 2 : second === 126 ? 4 : 10
  if (bytes.length < head) return undefined
  const size = head === 2 ? second : head === 4 ? bytes.readUInt16BE(2) : bytes.readUIntBE(4, 6)
  if ((head === 4 && size < 126) || (head === 10 && size < 65_536)) {
    throw new Error('the server has sent a length that is not the shortest')
  }
  const end = head + size
  if (bytes.length < end) return undefined
  const payload = new Uint8Array(bytes.subarray(head, end))
  return {
    frame: { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, payload },
    end,
  }
}
