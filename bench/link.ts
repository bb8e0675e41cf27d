// Link: one raw client connection of the load generator, on `node:net` alone.
//
// It opens the WebSocket by hand, writes slices of the prepared stream and compares what arrives
// with the expected one, byte for byte. Only when they differ does it look closer: a ping is
// answered, a Close frame or a wrong byte ends the run with a sentence that says which. All
// links share one read buffer, because each read is over before the next begins.

import { createConnection, type Socket } from 'node:net'
import { controlFrame, numberAt, type Script, upgradeFault, upgradeRequest } from './wire.ts'

const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)
const PING = 0x9
const PONG = 0xa
const CLOSE = 0x8
const LONGEST_HEAD = 16 * 1024

export interface LinkOptions {
  readonly port: number
  readonly path: string
  readonly payloadBytes: number
  readonly script: Script
  /** Whether the first message may be any one of the stream: for those who join a broadcast. */
  readonly joins: boolean
  /** `count` whole messages have arrived; the first has number `first` since the beginning. */
  readonly onMessages: (count: number, first: number) => void
  /** The link is of no use any more. Called for everything but the end of the process. */
  readonly onFault: (reason: string) => void
}

export class Link {
  /** Messages written. */
  sent = 0
  /** Whole messages received, counted from the beginning of the stream. */
  received = 0
  readonly opened: Promise<void>
  readonly #options: LinkOptions
  readonly #socket: Socket
  readonly #streamBytes: number
  /** Bytes received since the beginning of the stream; undefined until the stream is joined. */
  #position: number | undefined
  /** What arrived and cannot be judged yet: half an HTTP head, half a control frame. */
  #held = Buffer.alloc(0)
  #resolveOpened: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#streamBytes = options.script.expected.bytes.length
    this.#position = options.joins ? undefined : 0
    this.opened = new Promise((resolve) => {
      this.#resolveOpened = resolve
    })
    this.#socket = createConnection({
      host: '127.0.0.1',
      port: options.port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (bytes) => {
          this.#read(bytes)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => options.onFault(`a connection failed: ${error.message}`))
    this.#socket.on('close', () => options.onFault('the server ended a connection'))
    this.#socket.write(upgradeRequest(options.path, options.port))
  }

  /** Writes the next `count` messages, at most as many as may be in flight, in one write. */
  send(count: number): void {
    const { cycle, outgoing } = this.#options.script
    const start = (this.sent % cycle) * outgoing.frameBytes
    this.sent += count
    this.#socket.write(outgoing.bytes.subarray(start, start + count * outgoing.frameBytes))
  }

  #read(bytes: number): void {
    const whole = this.#held.length === 0
    const chunk = whole
      ? READ_BUFFER.subarray(0, bytes)
      : Buffer.concat([this.#held, READ_BUFFER.subarray(0, bytes)])
    if (!whole) this.#held = Buffer.alloc(0)
    const start = this.#resolveOpened === undefined ? 0 : this.#readHead(chunk)
    if (start === chunk.length) return
    if (this.#position === undefined && !this.#join(chunk, start)) return
    if (!this.#matches(chunk, start)) this.#lookCloser(chunk, start)
    this.#report()
  }

  /** Where the messages start in `chunk`, or its length while the HTTP head is not complete. */
  #readHead(chunk: Buffer): number {
    const end = chunk.indexOf('\r\n\r\n')
    if (end < 0) {
      if (chunk.length > LONGEST_HEAD)
        this.#options.onFault('the HTTP head of the answer never ends')
      this.#held = Buffer.from(chunk)
      return chunk.length
    }
    const fault = upgradeFault(chunk.toString('latin1', 0, end + 4))
    if (fault !== undefined) this.#options.onFault(fault)
    this.#resolveOpened?.()
    this.#resolveOpened = undefined
    return end + 4
  }

  /** Finds the place in the stream by the first message's number; false while that is not there. */
  #join(chunk: Buffer, start: number): boolean {
    const { expected } = this.#options.script
    const number = numberAt(chunk, start, expected.frameBytes, this.#options.payloadBytes)
    if (number === undefined || Number.isNaN(number)) {
      if (number !== undefined) this.#options.onFault('the first message has no number')
      this.#held = Buffer.from(chunk.subarray(start))
      return false
    }
    this.#position = number * expected.frameBytes
    this.received = number
    return true
  }

  /** Whether all of `chunk` from `start` is what the stream goes on with; if so, it is taken. */
  #matches(chunk: Buffer, start: number): boolean {
    const { bytes } = this.#options.script.expected
    let position = this.#position ?? 0
    for (let at = start; at < chunk.length; ) {
      const offset = position % this.#streamBytes
      const size = Math.min(chunk.length - at, this.#streamBytes - offset)
      if (bytes.compare(chunk, at, at + size, offset, offset + size) !== 0) return false
      at += size
      position += size
    }
    this.#position = position
    return true
  }

  /** Goes through `chunk` frame by frame, to find control frames or to say what is wrong. */
  #lookCloser(chunk: Buffer, start: number): void {
    const { bytes, frameBytes } = this.#options.script.expected
    for (let at = start; at < chunk.length; ) {
      const position = this.#position ?? 0
      const within = position % frameBytes
      if (within === 0 && ((chunk[at] ?? 0) & 0x0f) >= CLOSE) {
        const size = this.#readControl(chunk, at)
        if (size === 0) return
        at += size
        continue
      }
      const size = Math.min(chunk.length - at, frameBytes - within)
      const offset = position % this.#streamBytes
      if (bytes.compare(chunk, at, at + size, offset, offset + size) !== 0) {
        const number = Math.floor(position / frameBytes)
        const start = chunk.toString('latin1', at, Math.min(at + size, at + 24))
        this.#options.onFault(`message ${number} arrived wrong, from "${start}"`)
        return
      }
      at += size
      this.#position = position + size
    }
  }

  /** Deals with the control frame at `at`; its length, or 0 if it is held until the rest comes. */
  #readControl(chunk: Buffer, at: number): number {
    const size = 2 + ((chunk[at + 1] ?? 0) & 0x7f)
    if (chunk.length < at + 2 || chunk.length < at + size) {
      this.#held = Buffer.from(chunk.subarray(at))
      return 0
    }
    const opcode = (chunk[at] ?? 0) & 0x0f
    const body = chunk.subarray(at + 2, at + size)
    if (opcode === PING) this.#socket.write(controlFrame(PONG, body))
    if (opcode === CLOSE) {
      const code = body.length < 2 ? 1005 : body.readUInt16BE(0)
      const reason = body.toString('utf8', 2)
      this.#options.onFault(`the server closed a connection with ${code} "${reason}"`)
    }
    return size
  }

  #report(): void {
    const { frameBytes } = this.#options.script.expected
    const received = Math.floor((this.#position ?? 0) / frameBytes)
    const first = this.received
    if (received === first) return
    this.received = received
    this.#options.onMessages(received - first, first)
  }
}
