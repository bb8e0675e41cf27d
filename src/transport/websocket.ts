// WebSocket transport: one upgraded socket of `ws`, behind the port.
//
// `ws` reads: framing, masking, UTF-8, limits, and the answers to Close frames and to breaches. A server's messages
// are written as prepared frames, one write per turn; a client's, which are masked, and all that are compressed
// go through `ws`. So do Ping, Pong and Close, on the same socket, in order. What `ws` reports as 1006 is told apart here: the frame that came, the frame that went, and why.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { CloseCause, CloseFrame } from '../protocol/close-record.ts'
import type { Message } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import {
  type Frame,
  forgetLargeFrame,
  forgetReceivedText,
  frameOf,
  isLarge,
  noteReceivedText,
  unframed,
} from './frame.ts'
import type { Transport, TransportEvents } from './transport.ts'
import { aroundReads, beforeAnswer, mayWriteFrames, onCloseFrame } from './ws-internals.ts'

/** Bytes that may wait in the socket before the queue above keeps the rest: a few of the kernel's chunks. */
const WRITE_AHEAD_BYTES = 64 * 1024

/** Frames of one turn up to this many bytes are copied into one buffer; above, they are written corked. */
const GATHER_BELOW_BYTES = 64 * 1024

/** The socket as we use it: TCP, TLS, or any Duplex that an HTTP server hands out. */
type LinkSocket = Duplex & { setNoDelay?: (on: boolean) => unknown }

export class WebSocketTransport implements Transport<Frame> {
  readonly #ws: WebSocket
  readonly #compressFromBytes: number
  readonly #socket: LinkSocket
  readonly #clock: Clock
  readonly #raw: boolean
  #events: TransportEvents | undefined
  #reading = false
  #closing = false
  #reported: 'nothing' | 'close' | 'end' = 'nothing'

  /** @param compressFromBytes - shorter messages go uncompressed where compression was agreed on. */
  constructor(ws: WebSocket, socket: LinkSocket, clock: Clock, compressFromBytes: number) {
    this.#compressFromBytes = compressFromBytes
    this.#ws = ws
    this.#socket = socket
    this.#clock = clock
    this.#raw = mayWriteFrames(ws, socket)
    // A socket without an error listener would end the process.
    ws.on('error', (error: Error & { code?: string }) => this.#failed(error))
  }

  get bufferedBytes(): number {
    return this.#raw ? this.#socket.writableLength : this.#ws.bufferedAmount
  }

  get isReading(): boolean {
    return this.#reading
  }

  start(events: TransportEvents): void {
    this.#events = events
    const ws = this.#ws
    const begin = () => {
      this.#reading = true
    }
    const end = () => {
      this.#reading = false
      forgetReceivedText()
      events.readDone()
    }
    // Inflating takes its own time, so messages of a compressed connection come outside of any read.
    const grouped = ws.extensions === '' && aroundReads(ws, begin, end)
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      const message = isBinary ? data : data.toString('utf8')
      if (this.#raw && grouped && typeof message === 'string') noteReceivedText(message, data)
      events.messageReceived(message, data.byteLength)
      if (!grouped) events.readDone()
    })
    ws.on('ping', (data: Buffer) => events.pingReceived(data))
    ws.on('pong', (data: Buffer) => events.pongReceived(data))
    // Answers to what came before it in the same read go first.
    beforeAnswer(ws, () => events.readDone())
    const told = onCloseFrame(ws, (code, reason) => this.#closeReceived(code, reason))
    ws.on('close', (code: number, reason: Buffer) => {
      // 1006 is what `ws` says when no frame came (§7.1.5).
      if (!told && code !== 1006) this.#closeReceived(code, reason)
      this.#ended()
    })
    if (this.#raw) this.#socket.on('drain', () => events.drained())
  }

  pack(message: Message): Frame {
    if (!this.#raw) return unframed(message)
    const frame = frameOf(message)
    if (isLarge(frame)) this.#clock.endOfTurn(forgetLargeFrame)
    return frame
  }

  write(frames: readonly Frame[]): boolean {
    if (this.#closing || this.#reported !== 'nothing') return true
    if (this.#raw) this.#writeRaw(frames)
    else for (const frame of frames) this.#sendBy(frame)
    return this.bufferedBytes < WRITE_AHEAD_BYTES
  }

  writeOne(frame: Frame): boolean {
    if (!this.#raw || frame.body !== undefined) return this.write([frame])
    if (this.#closing || this.#reported !== 'nothing' || !this.#socket.writable) return true
    this.#socket.write(frame.head)
    return this.#socket.writableLength < WRITE_AHEAD_BYTES
  }

  ping(data: Uint8Array): boolean {
    if (this.#isOpen) this.#ws.ping(data, undefined, this.#sent)
    return this.bufferedBytes < WRITE_AHEAD_BYTES
  }

  pong(data: Uint8Array): boolean {
    if (this.#isOpen) this.#ws.pong(data, undefined, this.#sent)
    return this.bufferedBytes < WRITE_AHEAD_BYTES
  }

  close({ code, reason }: CloseFrame): void {
    if (this.#closing) return
    this.#closing = true
    if (code === 1005) this.#ws.close()
    else this.#ws.close(code, reason)
  }

  destroy(): void {
    this.#ws.terminate()
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay?.(on)
  }

  // Where `ws` has a queue of its own, its socket's `drain` says nothing of that.
  readonly #sent = () => {
    if (!this.#raw && this.#ws.bufferedAmount === 0) this.#events?.drained()
  }

  get #isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  #writeRaw(frames: readonly Frame[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    const [first] = frames
    if (frames.length === 1 && first?.body === undefined) {
      if (first !== undefined) socket.write(first.head)
      return
    }
    const gathered = gather(frames)
    if (gathered !== undefined) {
      socket.write(gathered)
      return
    }
    socket.cork()
    for (const { head, body } of frames) {
      socket.write(head)
      if (body !== undefined) socket.write(body)
    }
    socket.uncork()
  }

  #sendBy({ message, byteLength }: Frame): void {
    // Asked for each message: the threshold of `ws` holds only without context takeover.
    const compress = byteLength >= this.#compressFromBytes
    this.#ws.send(message, { binary: typeof message !== 'string', compress }, this.#sent)
  }

  #closeReceived(code: number, reason: Buffer): void {
    if (this.#reported !== 'nothing') return
    this.#reported = 'close'
    this.#events?.closeReceived({ code, reason: reason.toString('utf8') })
  }

  #failed(error: Error & { code?: string }): void {
    const breach = breachOf(error.code)
    // Anything else is the socket's own end, which is reported as `ended`.
    if (breach === undefined || this.#reported !== 'nothing') return
    this.#reported = 'close'
    const sent = { code: breach.code, reason: '' }
    this.#events?.violated({ cause: breach.cause, sent, detail: error.message })
  }

  #ended(): void {
    if (this.#reported === 'end') return
    this.#reported = 'end'
    this.#events?.ended()
  }
}

// A broadcast writes the same frames to one connection after the other: they are joined once.
let lastFrames: readonly Frame[] = []
let lastGathered: Buffer | undefined

function gather(frames: readonly Frame[]): Buffer | undefined {
  if (lastGathered !== undefined && sameFrames(frames, lastFrames)) return lastGathered
  let bytes = 0
  for (const { head, body } of frames) {
    if (body !== undefined) return undefined
    bytes += head.byteLength
  }
  if (bytes > GATHER_BELOW_BYTES) return undefined
  const gathered = Buffer.allocUnsafe(bytes)
  let offset = 0
  for (const { head } of frames) {
    gathered.set(head, offset)
    offset += head.byteLength
  }
  // The caller reuses its array, and frames that went to one connection only will not come again.
  if (frames[0]?.isShared) {
    lastFrames = frames.slice()
    lastGathered = gathered
  }
  return gathered
}

function sameFrames(one: readonly Frame[], other: readonly Frame[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false
  }
  return true
}

/** Which close code `ws` has sent for an error of its receiver, and what that means (RFC 6455 §7.4.1). */
function breachOf(code: string | undefined): { code: number; cause: CloseCause } | undefined {
  switch (code) {
    case 'WS_ERR_EXPECTED_FIN':
    case 'WS_ERR_EXPECTED_MASK':
    case 'WS_ERR_INVALID_CLOSE_CODE':
    case 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH':
    case 'WS_ERR_INVALID_OPCODE':
    case 'WS_ERR_UNEXPECTED_MASK':
    case 'WS_ERR_UNEXPECTED_RSV_1':
    case 'WS_ERR_UNEXPECTED_RSV_2_3':
      return { code: 1002, cause: 'protocolError' }
    case 'WS_ERR_INVALID_UTF8':
      return { code: 1007, cause: 'invalidPayload' }
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      return { code: 1009, cause: 'messageTooBig' }
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return { code: 1008, cause: 'limitExceeded' }
    default:
      return code?.startsWith('Z_') ? { code: 1007, cause: 'invalidPayload' } : undefined
  }
}
