// Client: a peer that speaks in bytes, over a simulated socket, to the same `ws` that a real server reads with.
//
// It has everything that a peer has, and can break what only bytes can break: frames in pieces, frames that are none,
// a reset in the middle of one. What it says before the handshake is answered waits for the answer.

import type { Message } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import type { Frame } from './frame-codec.ts'
import { OPCODES } from './frame-codec.ts'
import { Peer } from './peer.ts'
import type { SimulatedSocket } from './simulated-socket.ts'
import type { SocketLink } from './socket-link.ts'

/** What `harness.client()` gives: a peer over a simulated socket, whose bytes go through the real `ws`. */
export class Client extends Peer {
  /** Its number among the harness's clients, from 1. */
  readonly number: number
  /** What it asked for. */
  readonly path: string
  /** Called with the status and the `Retry-After` of the HTTP response, when they have come. */
  onAnswer: (status: number, retryAfter: string | null) => void = () => {}
  readonly #bytes: SocketLink
  readonly #server: SimulatedSocket
  readonly #clock: Clock

  /** @internal */
  constructor(
    number: number,
    path: string,
    link: SocketLink,
    server: SimulatedSocket,
    clock: Clock,
  ) {
    super(clock)
    this.number = number
    this.path = path
    this.#bytes = link
    this.#server = server
    this.#clock = clock
    this.attach(link)
    link.answered = (head) => {
      const retryAfter = /^retry-after: *(.*)$/im.exec(head)?.[1] ?? null
      this.onAnswer(link.status as number, retryAfter)
    }
  }

  /** The status of the HTTP response as it came over the wire; `status` is known before it has. */
  get statusReceived(): number | undefined {
    return this.#bytes.status
  }

  /** From one end to the other, each way, from now on; what is under way keeps its time. */
  set latencyMs(ms: number) {
    this.#server.latencyMs = ms
    this.#bytes.socket.latencyMs = ms
  }

  /** What it sends comes to the server in reads of at most so many bytes. */
  set readBytes(count: number) {
    this.#server.readBytes = count
  }

  /** What it sends comes in pieces of at most `bytes`, one each `everyMs`. */
  writeSlowly(bytes: number, everyMs: number): void {
    this.#server.readBytes = bytes
    this.#server.paceMs = everyMs
  }

  /** From now on what it sends comes together, each `everyMs`, as one read. */
  gather(everyMs: number): void {
    this.#bytes.socket.gatherMs = everyMs
  }

  /** From now on its network takes so many bytes from the server before the server has to wait. */
  set bufferBytes(count: number) {
    this.#server.bufferBytes = count
  }

  /** For `ms` nothing arrives at either end; then everything does. */
  blackOut(ms: number): void {
    this.#server.blackOut(ms)
  }

  /** Something between the two resets the connection when the client has neither sent nor got anything for `ms`. */
  cutWhenIdle(ms: number): void {
    const heard = () => this.wire.length + this.out.length
    const watch = (before: number) => {
      this.#clock.setTimeout(() => {
        if (this.isEnded) return
        if (heard() === before) this.reset()
        else watch(heard())
      }, ms)
    }
    watch(heard())
  }

  /** Whatever the server writes next fails with EPIPE. */
  breakPipe(): void {
    this.note({ kind: 'end' })
    this.#server.breakPipe()
  }

  /** Ends the connection both ways, without a Close frame: it reads no more, and answers what comes with a reset. */
  hangUp(): void {
    this.note({ kind: 'end' })
    this.#bytes.destroy()
  }

  /** Sends a Close frame, and a message behind it (RFC 6455 §5.5.1 forbids that). */
  lateData(): void {
    this.close()
    this.frame({ opcode: OPCODES.text, payload: new TextEncoder().encode('too late') })
  }

  /** Sends a message in two frames, cut after `cut` bytes, with a ping between them (RFC 6455 §5.4). */
  sendInPieces(message: Message, cut: number): void {
    if (this.hasClosed) return
    this.note({ kind: 'message', message })
    const isText = typeof message === 'string'
    const bytes = isText ? new TextEncoder().encode(message) : message
    const opcode = isText ? OPCODES.text : OPCODES.binary
    this.#bytes.frame({ fin: false, opcode, payload: bytes.subarray(0, cut) })
    this.ping()
    this.#bytes.frame({ opcode: OPCODES.continuation, payload: bytes.subarray(cut) })
  }

  /** Sends one frame as it is, however wrong: a mask missing, an opcode that nobody knows, a message left unfinished. */
  frame(frame: Frame): void {
    this.note({ kind: 'breach', detail: `a frame with opcode ${frame.opcode}` })
    this.#bytes.frame(frame)
  }

  /** Sends bytes as they are. @param what - what they are, for what is written down of it. */
  bytes(bytes: Uint8Array, what = `${bytes.length} bytes`): void {
    this.note({ kind: 'breach', detail: what })
    this.#bytes.bytes(bytes)
  }

  /** Sends the first half of a frame, then ends the connection with a FIN. */
  cutInFrame(): void {
    this.bytes(HALF_A_FRAME)
    this.cut()
  }

  /** Sends the first half of a frame; the reset follows as soon as that has arrived. */
  resetInFrame(): void {
    this.bytes(HALF_A_FRAME)
    this.#clock.setTimeout(() => this.reset(), this.#bytes.socket.latencyMs + 1)
  }
}

// A text of 100 bytes is announced, and 10 of them come.
const HALF_A_FRAME = Uint8Array.from([0x80 | OPCODES.text, 0x80 | 100, ...new Array(14).fill(0)])
