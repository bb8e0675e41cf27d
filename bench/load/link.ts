// Link: one raw client connection of the load generator, on `node:net` alone.
//
// It opens the WebSocket by hand, writes slices of the prepared stream and hands what arrives to a reader, which
// checks it. All links share one read buffer, because each read is over before the next begins. A fault of any kind
// ends the run with a sentence that says which.

import { createConnection, type Socket } from 'node:net'
import type { Dialect } from '../cases.ts'
import { DeflatedReader } from './deflated-reader.ts'
import { Greeting } from './greeting.ts'
import { PlainReader } from './plain-reader.ts'
import type { Reader, ReaderEvents } from './reader.ts'
import type { Script } from './script.ts'
import {
  CLOSE,
  eachByItself,
  maskedFrame,
  PING,
  PONG,
  upgradeFault,
  upgradeRequest,
} from './wire.ts'

const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)
const LONGEST_HEAD = 16 * 1024
const NORMAL_CLOSURE = Buffer.from([0x03, 0xe8]) // 1000

export interface LinkOptions {
  readonly port: number
  readonly path: string
  readonly dialect: Dialect
  readonly script: Script
  /** Whether compression is offered, and demanded. */
  readonly deflate: boolean
  /** Whether the first message may be any one of the stream: for those who join a broadcast. */
  readonly joins: boolean
  /** The address it comes from; the system's choice when undefined. */
  readonly localAddress?: string | undefined
  /** `count` whole messages have arrived; the first has number `first` since the beginning. */
  readonly onMessages: (count: number, first: number) => void
  /** The link is of no use any more. Called for everything but an end that was asked for. */
  readonly onFault: (reason: string) => void
}

export class Link implements ReaderEvents {
  /** Messages written. */
  sent = 0
  readonly opened: Promise<void>
  readonly #options: LinkOptions
  readonly #socket: Socket
  #reader: Reader | undefined
  #greeting: Greeting | undefined
  /** What arrived and cannot be judged yet. */
  #held: Buffer | undefined
  #resolveOpened: () => void = () => {}
  #resolveClosed: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.opened = new Promise((resolve) => {
      this.#resolveOpened = resolve
    })
    this.#socket = createConnection({
      host: '127.0.0.1',
      port: options.port,
      localAddress: options.localAddress,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (bytes) => {
          this.#read(bytes)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => this.fault(`a connection failed: ${error.message}`))
    this.#socket.on('close', () => this.#gone())
    this.#begin()
  }

  /** Whole messages received, counted from the beginning of the stream. */
  get received(): number {
    return this.#reader?.received ?? 0
  }

  /** Writes the next `count` messages, at most as many as may be in flight, in one write. */
  send(count: number): void {
    const { cycle, outgoing } = this.#options.script
    const start = (this.sent % cycle) * outgoing.frameBytes
    this.sent += count
    this.#socket.write(outgoing.bytes.subarray(start, start + count * outgoing.frameBytes))
  }

  /** Sends a Close frame; resolves when the connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolveClosed = resolve
      this.#socket.write(maskedFrame(CLOSE, NORMAL_CLOSURE))
    })
  }

  messages(count: number, first: number): void {
    this.#options.onMessages(count, first)
  }

  control(opcode: number, body: Buffer): void {
    if (opcode === PING) this.#socket.write(maskedFrame(PONG, body))
    if (opcode === CLOSE) {
      const code = body.length < 2 ? 1005 : body.readUInt16BE(0)
      this.fault(`the server closed a connection with ${code} "${body.toString('utf8', 2)}"`)
    }
  }

  fault(reason: string): void {
    if (this.#resolveClosed === undefined) this.#options.onFault(reason)
  }

  #begin(): void {
    const { dialect, path, port, deflate } = this.#options
    if (dialect !== 'bytes') {
      this.#socket.write(upgradeRequest(path, port, deflate))
      return
    }
    this.#socket.once('connect', () => this.#open(false))
  }

  #open(byItself: boolean): void {
    const { deflate, joins, script } = this.#options
    this.#reader = deflate
      ? new DeflatedReader(script, joins, byItself, this)
      : new PlainReader(script, joins, this)
    this.#resolveOpened()
  }

  #gone(): void {
    this.fault('the server ended a connection')
    this.#resolveClosed?.()
  }

  #read(bytes: number): void {
    const held = this.#held
    this.#held = undefined
    const read = READ_BUFFER.subarray(0, bytes)
    const chunk = held === undefined ? read : Buffer.concat([held, read])
    let start = 0
    if (this.#reader === undefined) start = this.#readOpening(chunk)
    if (start < chunk.length && this.#reader !== undefined) start = this.#reader.read(chunk, start)
    if (start < chunk.length) this.#held = Buffer.from(chunk.subarray(start))
  }

  /** Where the messages start in `chunk`; what is before is dealt with. */
  #readOpening(chunk: Buffer): number {
    if (this.#greeting !== undefined) return this.#greet(this.#greeting, chunk, 0)
    const end = chunk.indexOf('\r\n\r\n')
    if (end < 0) {
      if (chunk.length > LONGEST_HEAD) this.fault('the HTTP head of the answer never ends')
      return 0
    }
    const head = chunk.toString('latin1', 0, end + 4)
    const fault = upgradeFault(head, this.#options.deflate)
    if (fault !== undefined) this.fault(fault)
    if (this.#options.dialect === 'socket.io') {
      this.#greeting = new Greeting()
      return this.#greet(this.#greeting, chunk, end + 4)
    }
    this.#open(eachByItself(head))
    return end + 4
  }

  #greet(greeting: Greeting, chunk: Buffer, start: number): number {
    const { at, say, done, fault } = greeting.read(chunk, start)
    if (fault !== undefined) this.fault(fault)
    if (say !== undefined) this.#socket.write(say)
    if (done) this.#open(false)
    return at
  }
}
