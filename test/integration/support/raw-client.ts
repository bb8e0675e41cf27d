// Raw client: a TCP socket that speaks WebSocket by hand, well or badly.
//
// It writes any request and any bytes, and reads what comes back as an HTTP response and then as frames. It
// answers nothing by itself: what a test does not write is not sent. Every wait here is for an event of the
// socket; the only bound is the test runner's.

import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export const TEXT = 0x1
export const BINARY = 0x2
export const CONTINUATION = 0x0
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11' // RFC 6455 §1.3

/** A frame as it came. */
export interface ReceivedFrame {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly payload: Buffer
}

export interface FrameOptions {
  readonly opcode?: number
  readonly payload?: string | Uint8Array
  readonly fin?: boolean
  /** The three reserved bits as a number 0 … 7. */
  readonly rsv?: number
  readonly masked?: boolean
  /** What the length field says, when that is not the truth. */
  readonly declaredBytes?: number
}

/** The bytes of one frame; a client's, so masked unless told otherwise. */
export function frame({
  opcode = TEXT,
  payload = '',
  fin = true,
  rsv = 0,
  masked = true,
  declaredBytes,
}: FrameOptions): Buffer {
  const body = Buffer.from(payload as string)
  const length = declaredBytes ?? body.byteLength
  const maskBit = masked ? 0x80 : 0
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  let head: Buffer
  if (length < 126) {
    head = Buffer.from([first, maskBit | length])
  } else if (length < 65_536) {
    head = Buffer.from([first, maskBit | 126, 0, 0])
    head.writeUInt16BE(length, 2)
  } else {
    head = Buffer.alloc(10)
    head[0] = first
    head[1] = maskBit | 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  if (!masked) return Buffer.concat([head, body])
  const mask = randomBytes(4)
  for (let index = 0; index < body.byteLength; index++) {
    body[index] = (body[index] as number) ^ (mask[index % 4] as number)
  }
  return Buffer.concat([head, mask, body])
}

export const text = (payload: string) => frame({ payload })
export const binary = (payload: Uint8Array) => frame({ opcode: BINARY, payload })

/** A Close frame with a code and a reason; without a code, an empty one. */
export function close(code?: number, reason: string | Uint8Array = ''): Buffer {
  if (code === undefined) return frame({ opcode: CLOSE })
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame({ opcode: CLOSE, payload: Buffer.concat([head, Buffer.from(reason as string)]) })
}

/** Code and reason of a received Close frame. */
export function closeBody({ payload }: ReceivedFrame): { code: number; reason: string } {
  if (payload.byteLength < 2) return { code: 1005, reason: '' }
  return { code: payload.readUInt16BE(), reason: payload.toString('utf8', 2) }
}

export type HeaderPairs = readonly (readonly [name: string, value: string])[]

export interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly httpVersion?: string
  /** Replace the standard ones of the same name; a value of `null` takes the header away. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** Put before all others, also when their name is there already. */
  readonly extraHeaders?: HeaderPairs
  /** Written in the same packet as the request. */
  readonly head?: Uint8Array
}

/** The bytes of an opening handshake, right unless told otherwise. */
export function requestBytes({
  method = 'GET',
  path = '/',
  httpVersion = '1.1',
  headers = {},
  extraHeaders = [],
  head = new Uint8Array(),
}: RequestOptions = {}): Buffer {
  const all: Record<string, string | null> = {
    Host: 'windsock.test:80',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    ...headers,
  }
  const pairs = [...extraHeaders, ...Object.entries(all)].filter(([, value]) => value !== null)
  const lines = pairs.map(([name, value]) => `${name}: ${value}\r\n`)
  const start = `${method} ${path} HTTP/${httpVersion}\r\n`
  return Buffer.concat([Buffer.from(`${start}${lines.join('')}\r\n`, 'latin1'), head])
}

/** A plain request: what is left of a handshake without what makes it one. */
export const PLAIN = {
  Upgrade: null,
  Connection: 'close',
  'Sec-WebSocket-Key': null,
  'Sec-WebSocket-Version': null,
} as const

export interface Response {
  readonly status: number
  /** Names in lower case; several of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Header names in lower case, in order, each as often as it came. */
  readonly headerNames: readonly string[]
  /** Of a refusal; empty for 101. */
  readonly body: string
}

export class RawClient {
  readonly socket: Socket
  /** Resolves when the server has ended the socket: `'fin'`, or `'reset'` when it was torn down. */
  readonly ended: Promise<'fin' | 'reset'>
  #chunks: Buffer[] = []
  #bytes = 0
  #over = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    this.ended = new Promise((resolve) => {
      socket.once('end', () => resolve('fin'))
      socket.once('error', () => resolve('reset'))
      socket.once('close', () => resolve('reset'))
    })
    void this.ended.then(() => {
      this.#over = true
      this.#wake?.()
    })
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#bytes += chunk.byteLength
      this.#wake?.()
    })
  }

  /** Connects to a port, or a Unix socket by its path, without a word; the socket is destroyed when the test is over. */
  static async connect(port: number | string, allowHalfOpen = false): Promise<RawClient> {
    const client = await RawClient.connectUnbound(port, allowHalfOpen)
    onTestFinished(() => client.destroy())
    return client
  }

  /** As `connect`, for use outside a test, or in such numbers that each test hook would count. */
  static connectUnbound(port: number | string, allowHalfOpen = false): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const target = typeof port === 'string' ? { path: port } : { port, host: '127.0.0.1' }
      const socket = connect({ ...target, allowHalfOpen })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  /** Connects and shakes hands; throws unless the answer is 101 with the right accept key. */
  static async open(
    port: number | string,
    options: RequestOptions | string = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(port)
    await client.upgrade(typeof options === 'string' ? { path: options } : options)
    return client
  }

  /** Shakes hands; throws unless the answer is 101 with the right accept key (RFC 6455 §4.2.2). */
  async upgrade(options: RequestOptions = {}): Promise<Response> {
    const key = randomBytes(16).toString('base64')
    const headers = { 'Sec-WebSocket-Key': key, ...options.headers }
    const response = await this.request({ ...options, headers })
    if (response.status !== 101) {
      throw new Error(`expected 101, got ${response.status}: ${response.body}`)
    }
    const expected = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
    if (response.headers['sec-websocket-accept'] !== expected) throw new Error('wrong accept key')
    return response
  }

  /** Writes a handshake and reads the response to it; of a refusal also the body. */
  request(options: RequestOptions = {}): Promise<Response> {
    this.write(requestBytes(options))
    return this.response()
  }

  async response(): Promise<Response> {
    const head = await this.#read((bytes) => {
      const end = bytes.indexOf('\r\n\r\n')
      return end < 0 ? bytes.byteLength + 1 : end + 4
    })
    if (head === undefined) throw new Error('the socket ended before a response')
    const [start = '', ...lines] = head.toString('latin1').trimEnd().split('\r\n')
    const headers: Record<string, string> = {}
    const headerNames: string[] = []
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headerNames.push(name)
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1])
    const body = status === 101 ? '' : await this.#body(headers)
    return { status, headers, headerNames, body }
  }

  write(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The next frame, or `undefined` when the socket ended before it. */
  async next(): Promise<ReceivedFrame | undefined> {
    const bytes = await this.#read((so) => shape(so).end)
    if (bytes === undefined) return undefined
    const { start } = shape(bytes)
    const first = bytes[0] as number
    return {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 0x7,
      opcode: first & 0xf,
      payload: Buffer.from(bytes.subarray(start)),
    }
  }

  /** The next frame's payload as text; throws when it is not a text frame. */
  async nextText(): Promise<string> {
    const next = await this.next()
    if (next?.opcode !== TEXT) throw new Error(`expected a text frame, got ${describe(next)}`)
    return next.payload.toString('utf8')
  }

  /** Reads until the Close frame and gives its body; `undefined` when the socket ended without one. */
  async nextClose(): Promise<{ code: number; reason: string } | undefined> {
    for await (const next of this) if (next.opcode === CLOSE) return closeBody(next)
    return undefined
  }

  /** All frames until the socket ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame, void> {
    for (let next = await this.next(); next !== undefined; next = await this.next()) yield next
  }

  /** Stops reading: what the server sends stays in the kernel's buffers and then in the server's. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Ends this side with a FIN. */
  end(): void {
    this.socket.end()
  }

  /** Ends the link with a RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<string> {
    const length = headers['content-length']
    if (length !== undefined) {
      const body = await this.#read(() => Number(length))
      return body?.toString('utf8') ?? ''
    }
    if (headers['transfer-encoding'] === 'chunked') {
      const last = '\r\n0\r\n\r\n'
      const chunks = await this.#read((bytes) => {
        const end = bytes.indexOf(last)
        return end < 0 ? bytes.byteLength + 1 : end + last.length
      })
      // One line is one chunk: its size in hexadecimal, and itself.
      return chunks?.toString('utf8').split('\r\n')[1] ?? ''
    }
    await this.ended
    const rest = Buffer.concat(this.#chunks)
    this.#chunks = []
    return rest.toString('utf8')
  }

  // `sizeOf` tells how long the first piece is; a guess too low is corrected when that much is there.
  async #read(sizeOf: (bytes: Buffer) => number): Promise<Buffer | undefined> {
    for (;;) {
      const bytes = this.#join()
      const size = sizeOf(bytes)
      if (size <= bytes.byteLength) {
        this.#chunks = [bytes.subarray(size)]
        this.#bytes -= size
        return bytes.subarray(0, size)
      }
      while (this.#bytes < size) {
        if (this.#over) return undefined
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #join(): Buffer {
    const joined =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }
}

/** Where a frame's payload starts and ends, as far as `bytes` tell. A server's frames have no mask (§5.1). */
function shape(bytes: Buffer): { start: number; end: number } {
  if (bytes.byteLength < 2) return { start: 2, end: 2 }
  const short = (bytes[1] as number) & 0x7f
  const start = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.byteLength < start) return { start, end: start }
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  return { start, end: start + length }
}

function describe(frame: ReceivedFrame | undefined): string {
  if (frame === undefined) return 'the end of the socket'
  if (frame.opcode !== CLOSE) return `opcode ${frame.opcode}`
  const { code, reason } = closeBody(frame)
  return `close ${code} ${JSON.stringify(reason)}`
}
