// First read: what the sockets of an HTTP server bring first, and whose it is.
//
// A plain upgrade request goes straight to who takes upgrades; any other socket, with what was read of it, goes to Node's
// own HTTP, as does one that has said nothing for a while, so that Node's deadlines hold (docs/adr/0029). Node tells a
// server of a new socket by `connection`, to which its HTTP listens, and takes a socket from others the same way.

import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { UpgradeRequest } from '../protocol/handshake.ts'
import { openingRequest } from '../protocol/opening-request.ts'
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import { leaveSocket, listenToSocket, type SocketListener } from './socket-listener.ts'

/** How long a socket may say nothing before it is Node's. */
const MOST_SILENT_MS = 1_000

const NOTHING = Buffer.alloc(0)

/** Is given a request, its socket, and what came behind it, as by Node's `upgrade`. */
type TakeUpgrade = (request: UpgradeRequest, socket: Socket, head: Buffer) => void

/** Sockets of one server that have said nothing yet, in the order in which they came. */
export class FirstReads {
  readonly #http: HttpServer
  readonly #takeUpgrade: TakeUpgrade
  readonly #maxHeadBytes: number
  readonly #clock: Clock
  readonly #toNode: ((socket: Socket) => void) | undefined
  #first: Silent | undefined
  #last: Silent | undefined
  #timer: TimerHandle | undefined

  /** Reads first from now on. @param maxHeadBytes - what is longer Node refuses. */
  constructor(http: HttpServer, maxHeadBytes: number, clock: Clock, takeUpgrade: TakeUpgrade) {
    this.#http = http
    this.#maxHeadBytes = maxHeadBytes
    this.#clock = clock
    this.#takeUpgrade = takeUpgrade
    const [toNode, another] = http.listeners('connection') as ((socket: Socket) => void)[]
    if (toNode === undefined || another !== undefined) return
    this.#toNode = toNode
    http.off('connection', toNode)
    http.on('connection', (socket: Socket) => this.#begin(socket))
  }

  /** Leaves all that have said nothing to Node, which is to close them. */
  leaveAll(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    for (let silent = this.#first; silent !== undefined; silent = this.#first) this.#leave(silent)
  }

  read(silent: Silent, chunk: Buffer): void {
    const isShort = chunk.length <= this.#maxHeadBytes
    const request = isShort ? openingRequest(chunk) : undefined
    if (request === undefined) {
      this.#leave(silent)
      silent.socket.emit('data', Buffer.from(chunk))
      return
    }
    this.forget(silent)
    try {
      this.#takeUpgrade(request, silent.socket, NOTHING)
    } finally {
      // Who has taken it is told by now, or listens for himself.
      leaveSocket(silent.socket, silent)
    }
  }

  forget(silent: Silent): void {
    const { before, after } = silent
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    // What is old must not keep what is young (docs/adr/0022).
    silent.before = undefined
    silent.after = undefined
  }

  #begin(socket: Socket): void {
    const silent = new Silent(this, socket, this.#clock.nowMs())
    silent.before = this.#last
    if (this.#last === undefined) this.#first = silent
    else this.#last.after = silent
    this.#last = silent
    if (!listenToSocket(socket, silent)) this.#leave(silent)
    else if (this.#timer === undefined) this.#time(MOST_SILENT_MS)
  }

  #leave(silent: Silent): void {
    this.forget(silent)
    leaveSocket(silent.socket, silent)
    this.#toNode?.call(this.#http, silent.socket)
  }

  #time(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#leaveOverdue(), delayMs)
  }

  #leaveOverdue(): void {
    this.#timer = undefined
    const now = this.#clock.nowMs()
    for (let silent = this.#first; silent !== undefined; silent = this.#first) {
      const leftMs = silent.sinceMs + MOST_SILENT_MS - now
      if (leftMs > 0) return this.#time(leftMs)
      this.#leave(silent)
    }
  }
}

/** A socket that has said nothing yet. */
class Silent implements SocketListener {
  readonly #reads: FirstReads
  readonly socket: Socket
  readonly sinceMs: number
  before: Silent | undefined
  after: Silent | undefined

  constructor(reads: FirstReads, socket: Socket, sinceMs: number) {
    this.#reads = reads
    this.socket = socket
    this.sinceMs = sinceMs
  }

  socketRead(chunk: Buffer): void {
    this.#reads.read(this, chunk)
  }

  inputEnded(): void {}

  socketClosed(): void {
    this.#reads.forget(this)
  }
}
