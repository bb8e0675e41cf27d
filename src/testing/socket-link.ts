// Socket link: what a peer says as items becomes bytes on a simulated socket, and the bytes that come become items.
//
// The opening handshake's request is not written: HTTP is left out, the harness hands it over as data. Its answer is
// read, and what the peer says before the 101 waits for it.

import type { LinkItem, PeerLink } from '../transport/memory.ts'
import { closePayload, encodeFrame, type Frame, FrameReader, OPCODES } from './frame-codec.ts'
import type { SimulatedSocket } from './simulated-socket.ts'

const HEAD_END = '\r\n\r\n'

export class SocketLink implements PeerLink {
  receive: (item: LinkItem) => void = () => {}
  /** Told of the HTTP response, once its head has come. */
  answered: (head: string) => void = () => {}
  readonly socket: SimulatedSocket
  /** Of the HTTP response, once it has come. */
  status: number | undefined
  readonly #maskingKey: () => Uint8Array
  readonly #frames = new FrameReader()
  #head: Buffer | undefined = Buffer.alloc(0)
  #held: Buffer[] = []
  #parts: { readonly opcode: number; readonly payloads: Uint8Array[] } | undefined
  #ended = false

  constructor(socket: SimulatedSocket, maskingKey: () => Uint8Array) {
    this.socket = socket
    this.#maskingKey = maskingKey
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('end', () => this.#end())
    socket.on('error', () => {})
    socket.on('close', () => this.#end())
  }

  send(item: LinkItem): void {
    switch (item.kind) {
      case 'message':
        return this.frame(
          typeof item.message === 'string'
            ? { opcode: OPCODES.text, payload: new TextEncoder().encode(item.message) }
            : { opcode: OPCODES.binary, payload: item.message },
        )
      case 'ping':
      case 'pong':
        return this.frame({ opcode: OPCODES[item.kind], payload: item.data })
      case 'close': {
        const { code, reason } = item.frame
        return this.frame({ opcode: OPCODES.close, payload: closePayload(code, reason) })
      }
      case 'breach':
        return this.frame({ rsv: 2, opcode: OPCODES.text, payload: new Uint8Array() })
      case 'end':
        return this.end()
    }
  }

  /** Sends a frame as it is, however wrong. */
  frame(frame: Frame): void {
    this.bytes(encodeFrame(frame, this.#maskingKey()))
  }

  /** Sends bytes as they are. */
  bytes(bytes: Uint8Array): void {
    const copy = Buffer.from(bytes)
    if (this.#head !== undefined) this.#held.push(copy)
    else if (this.socket.writable) this.socket.write(copy)
  }

  end(): void {
    if (this.socket.writable) this.socket.end()
  }

  reset(): void {
    this.socket.reset()
  }

  /** Ends both directions: it reads no more. */
  destroy(): void {
    this.socket.destroy()
  }

  pause(): void {
    this.socket.stall()
  }

  resume(): void {
    this.socket.unstall()
  }

  #read(bytes: Buffer): void {
    if (this.#head === undefined) return this.#take(bytes)
    this.#head = Buffer.concat([this.#head, bytes])
    const end = this.#head.indexOf(HEAD_END)
    if (end < 0) return
    const head = this.#head.toString('latin1', 0, end)
    const isFirst = this.status === undefined
    this.status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    if (this.status !== 101) {
      if (isFirst) this.answered(head)
      // A refusal's body is read to its end, and nothing is said any more.
      return this.end()
    }
    const rest = this.#head.subarray(end + HEAD_END.length)
    const held = this.#held
    this.#head = undefined
    this.#held = []
    for (const one of held) this.bytes(one)
    this.answered(head)
    this.#take(rest)
  }

  #take(bytes: Buffer): void {
    try {
      for (const { fin, rsv, opcode, payload } of this.#frames.push(bytes)) {
        if (rsv !== 0) throw new Error(`the server has sent RSV bits ${rsv}`)
        if (opcode >= 8) this.#control(opcode, payload, fin)
        else this.#data(opcode, payload, fin)
      }
    } catch (thrown) {
      this.receive({ kind: 'breach', detail: (thrown as Error).message })
      this.reset()
    }
  }

  #control(opcode: number, payload: Uint8Array, fin: boolean): void {
    if (!fin || payload.length > 125) throw new Error('the server has sent a broken control frame')
    if (opcode === OPCODES.ping) return this.receive({ kind: 'ping', data: payload })
    if (opcode === OPCODES.pong) return this.receive({ kind: 'pong', data: payload })
    if (opcode !== OPCODES.close) throw new Error(`the server has sent opcode ${opcode}`)
    if (payload.length === 1) throw new Error('the server has sent a Close frame of one byte')
    const code =
      payload.length === 0 ? 1005 : ((payload[0] as number) << 8) | (payload[1] as number)
    this.receive({ kind: 'close', frame: { code, reason: textOf(payload.subarray(2)) } })
  }

  #data(opcode: number, payload: Uint8Array, fin: boolean): void {
    if ((opcode === OPCODES.continuation) !== (this.#parts !== undefined)) {
      throw new Error('the server has mixed up fragments')
    }
    if (opcode > OPCODES.binary) throw new Error(`the server has sent opcode ${opcode}`)
    const parts = this.#parts ?? { opcode, payloads: [] }
    parts.payloads.push(payload)
    this.#parts = fin ? undefined : parts
    if (!fin) return
    const [first] = parts.payloads
    const whole =
      parts.payloads.length === 1 && first ? first : new Uint8Array(Buffer.concat(parts.payloads))
    const message = parts.opcode === OPCODES.text ? textOf(whole) : whole
    this.receive({ kind: 'message', message })
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.receive({ kind: 'end' })
  }
}

// Fatal: what is not UTF-8 is the server's breach (§8.1). One decoder for all.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
