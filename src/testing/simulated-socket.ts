// Simulated socket: two ends of one TCP connection, and the network between them, in virtual time.
//
// It stands in for the kernel and the network only. Whatever runs over a Duplex runs over it: `ws` reads and writes real
// bytes here. Bytes arrive late, in pieces, or not at all; a writer waits while the buffer under way is full.

import { Duplex } from 'node:stream'
import type { Clock, TimerHandle } from '../protocol/ports.ts'

export interface NetworkOptions {
  readonly clock: Clock
  /** From one end to the other, each way; default 1. */
  readonly latencyMs?: number | undefined
  /** What is under way each way before the writer has to wait, as in a kernel's buffers; default 64 KiB. */
  readonly bufferBytes?: number | undefined
}

/** Bytes under way, or the FIN behind them. */
interface Segment {
  readonly dueMs: number
  readonly bytes: Buffer | 'fin'
}

/** What the kernel has not taken yet of one write, and whom to tell. */
interface Waiting {
  readonly bytes: Buffer
  readonly taken: (error?: Error) => void
}

/** Of each Duplex, each way; said here because Node's own default differs from version to version. */
const HIGH_WATER_BYTES = 16_384

/** One end. `destroy()` ends both directions; what was taken before still arrives. */
export class SimulatedSocket extends Duplex {
  readonly remoteAddress: string
  /** From now on, of what this end writes. Order is kept: nothing overtakes. */
  latencyMs: number
  /** What this end receives comes in reads of at most so many bytes. */
  readBytes = Number.POSITIVE_INFINITY
  /** Between two reads of one write pass so many ms: the other end is a slow writer. */
  paceMs = 0
  /** What this end writes from now on arrives at multiples of so many ms, all of it as one read; 0: as it is written. */
  gatherMs = 0
  /** What is under way from this end before it has to wait. */
  bufferBytes: number
  /** Bytes of this end that the network has taken so far. */
  takenBytes = 0
  readonly #clock: Clock
  #other!: SimulatedSocket
  #flight: Segment[] = []
  #flightBytes = 0
  #waiting: Waiting | undefined
  #timer: TimerHandle | undefined
  #wantsMore = true
  #stalled = false
  #dead = false
  #isBroken = false
  #darkUntilMs = 0

  constructor(options: NetworkOptions, remoteAddress: string) {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER_BYTES })
    const { clock, latencyMs = 1, bufferBytes = 65_536 } = options
    this.#clock = clock
    this.latencyMs = latencyMs
    this.bufferBytes = bufferBytes
    this.remoteAddress = remoteAddress
  }

  /** Two ends that face each other. */
  static pair(options: NetworkOptions, remoteAddress = '192.0.2.1') {
    const server = new SimulatedSocket(options, remoteAddress)
    const client = new SimulatedSocket(options, '192.0.2.0')
    server.#other = client
    client.#other = server
    return { server, client }
  }

  /** Whether nothing is under way, in either direction. */
  get isQuiet(): boolean {
    return [this, this.#other].every((end) => end.#flight.length === 0 && !end.#waiting)
  }

  setNoDelay(): this {
    return this
  }

  /** Takes nothing from the network any more: what the other end writes piles up. */
  stall(): void {
    this.#stalled = true
  }

  /** Takes what has arrived meanwhile, and goes on. */
  unstall(): void {
    this.#stalled = false
    this.#other.#await()
  }

  /** A reset: what is under way both ways is lost, and the other end fails. */
  reset(): void {
    if (this.#dead) return
    this.#dead = true
    this.#lose()
    this.#other.#lose()
    this.#clock.setTimeout(() => this.#other.#wasReset(), this.#delayMs)
    this.destroy()
  }

  /** The process behind this end is gone: the other end is reset, and nothing is told here. */
  die(): void {
    if (this.#dead) return
    this.#dead = true
    this.#lose()
    this.#other.#lose()
    this.#clock.setTimeout(() => this.#other.#wasReset(), this.#delayMs)
  }

  /** The next write at this end fails with EPIPE. */
  breakPipe(): void {
    this.#isBroken = true
  }

  /** For `ms` nothing arrives at either end; then everything does. */
  blackOut(ms: number): void {
    for (const end of [this, this.#other]) {
      end.#darkUntilMs = Math.max(end.#darkUntilMs, end.#clock.nowMs() + ms)
      end.#flight = end.#flight.map((one) => ({
        ...one,
        dueMs: Math.max(one.dueMs, end.#darkUntilMs),
      }))
      end.#clock.clearTimeout(end.#timer)
      end.#timer = undefined
      end.#await()
    }
  }

  get #delayMs(): number {
    return Math.max(this.latencyMs, this.#darkUntilMs - this.#clock.nowMs())
  }

  override _read(): void {
    this.#wantsMore = true
    this.#other.#await()
  }

  override _write(chunk: Buffer, _encoding: string, taken: (error?: Error) => void): void {
    if (this.#isBroken) {
      taken(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      return
    }
    this.#waiting = { bytes: chunk, taken }
    this.#take()
  }

  override _final(done: () => void): void {
    this.#send('fin')
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#dead) {
      this.#dead = true
      if (!this.writableFinished) this.#send('fin')
      // What this end does not read any more must not keep the other one waiting.
      this.#other.#lose()
    }
    this.#waiting = undefined
    done(error)
  }

  #wasReset(): void {
    if (this.#dead) return
    this.#dead = true
    this.#lose()
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }

  #lose(): void {
    this.#flight = []
    this.#flightBytes = 0
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#take()
  }

  // As much of what waits as there is room for; a write larger than that is taken in parts.
  #take(): void {
    const waiting = this.#waiting
    const room = this.bufferBytes - this.#flightBytes
    if (waiting === undefined || room <= 0) return
    const { bytes, taken } = waiting
    if (this.#dead) {
      this.#waiting = undefined
      return
    }
    if (this.#other.#dead) {
      // Nobody is there: the answer to these bytes is a reset.
      this.#clock.setTimeout(() => this.#wasReset(), this.latencyMs)
      this.takenBytes += bytes.length
      this.#waiting = undefined
      taken()
      return
    }
    this.#send(Buffer.from(bytes.subarray(0, room)))
    if (bytes.length > room) this.#waiting = { bytes: bytes.subarray(room), taken }
    else {
      this.#waiting = undefined
      taken()
    }
  }

  #send(bytes: Segment['bytes']): void {
    const before = this.#flight.at(-1)?.dueMs ?? 0
    const soonestMs = Math.max(before, this.#clock.nowMs() + this.#delayMs)
    const { gatherMs } = this
    const dueMs = gatherMs === 0 ? soonestMs : Math.ceil(soonestMs / gatherMs) * gatherMs
    this.#flight.push({ dueMs, bytes })
    if (bytes !== 'fin') {
      this.#flightBytes += bytes.length
      this.takenBytes += bytes.length
    }
    this.#await()
  }

  // One timer a direction, for the first that is under way.
  #await(): void {
    const [first] = this.#flight
    if (first === undefined || this.#timer !== undefined || !this.#other.#isReading) return
    const delayMs = Math.max(0, first.dueMs - this.#clock.nowMs())
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#arrive()
    }, delayMs)
  }

  get #isReading(): boolean {
    return this.#wantsMore && !this.#stalled
  }

  #arrive(): void {
    const other = this.#other
    if (other.#isReading) {
      const first = this.#first()
      if (first === undefined) return
      other.#receive(first, (bytes) => {
        this.#flight.unshift({ dueMs: this.#clock.nowMs() + other.paceMs, bytes })
      })
      if (first.bytes !== 'fin') this.#flightBytes = this.#bytesUnderWay()
    }
    this.#take()
    this.#await()
  }

  // What is due in one moment comes in one read, where it is gathered.
  #first(): Segment | undefined {
    const first = this.#flight.shift()
    if (first === undefined || first.bytes === 'fin' || this.gatherMs === 0) return first
    const all = [first.bytes]
    for (let next = this.#flight[0]; next?.dueMs === first.dueMs; next = this.#flight[0]) {
      if (next.bytes === 'fin') break
      all.push(next.bytes)
      this.#flight.shift()
    }
    return { ...first, bytes: Buffer.concat(all) }
  }

  #bytesUnderWay(): number {
    return this.#flight.reduce((sum, { bytes }) => sum + (bytes === 'fin' ? 0 : bytes.length), 0)
  }

  #receive({ bytes }: Segment, keep: (rest: Buffer) => void): void {
    if (this.destroyed || this.readableEnded) return
    if (bytes === 'fin') {
      this.push(null)
      return
    }
    if (bytes.length > this.readBytes) keep(bytes.subarray(this.readBytes))
    this.#wantsMore = this.push(bytes.subarray(0, this.readBytes))
  }
}
