// Attacks on the door: what is no request of ours, what rides behind one, and what was agreed on.

import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attach, route, WebSocketHandler } from 'windsock'
import { CERTIFICATE, KEY } from '../support/certificate.ts'
import { house } from '../support/house.ts'
import { PING, RawClient, requestBytes } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

const echo = route('/', ({ messages$ }) => messages$)

describe('a request behind a request', () => {
  // What a refused upgrade brings along is frames, or nothing; read as a request it would be one that nobody has checked.
  it('that was refused is not answered, and reaches nobody', async () => {
    const asked: string[] = []
    const { port } = await start({
      routes: [
        route('/refused', () => undefined, { checkOrigin: [] }),
        route('/smuggled', (connection) => {
          asked.push(connection.request.path)
        }),
      ],
    })
    const smuggled = requestBytes({ path: '/smuggled' })
    const lengths = fc.constantFrom(null, '0', String(smuggled.length), '5')
    const encodings = fc.constantFrom(null, 'chunked', 'identity')
    await fc.assert(
      fc.asyncProperty(lengths, encodings, async (length, encoding) => {
        const client = await RawClient.connectUnbound(port)
        const headers = {
          Origin: 'http://evil.test',
          'Content-Length': length,
          'Transfer-Encoding': encoding,
        }
        const { status } = await client.request({ path: '/refused', headers, head: smuggled })
        expect([400, 403]).toContain(status)
        expect(await client.next()).toBe(undefined)
        client.destroy()
      }),
      { numRuns: 12 },
    )
    expect(asked).toEqual([])
  })
})

describe('another protocol', () => {
  it.each([
    ['HTTP/2 by its preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/2 by an upgrade', requestBytes({ headers: { Upgrade: 'h2c' } })],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['SOCKS', Buffer.from([5, 1, 0])],
  ])('is not spoken: %s', async (_, bytes) => {
    const { port, opened } = await house()
    const client = await RawClient.connect(port)
    client.write(Buffer.from(bytes as string))
    client.end()
    await client.ended
    expect(opened()).toBe(0)
  })
})

describe('TLS', () => {
  it('that is none, breaks off or names a strange server ends its own connection and nothing else', async () => {
    const https = createHttpsServer({ key: KEY, cert: CERTIFICATE })
    const attached = attach(https, { routes: [echo] })
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
    const { port } = https.address() as AddressInfo
    onTestFinished(async () => {
      await attached.close()
      https.closeAllConnections()
      await new Promise((resolve) => https.close(resolve))
    })
    const escaped: unknown[] = []
    const note = (thrown: unknown) => escaped.push(thrown)
    process.on('uncaughtException', note).on('unhandledRejection', note)
    onTestFinished(
      () => void process.off('uncaughtException', note).off('unhandledRejection', note),
    )
    // The beginning of a ClientHello, and whatever comes then.
    const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.boolean(), async (bytes, begins) => {
        const client = await RawClient.connectUnbound(port)
        client.write(...(begins ? [hello] : []), bytes)
        client.end()
        await client.ended
        client.destroy()
      }),
      { numRuns: 50 },
    )
    const tls: TLSSocket = connectTls({
      port,
      host: '127.0.0.1',
      ca: CERTIFICATE,
      servername: 'localhost',
    })
    onTestFinished(() => void tls.destroy())
    const answered = new Promise<string>((resolve) =>
      tls.once('data', (data) => resolve(String(data))),
    )
    tls.write(requestBytes())
    expect(await answered).toMatch(/^HTTP\/1\.1 101 /)
    expect(escaped).toEqual([])
  })
})

describe('compression', () => {
  it('is agreed on by no route that did not ask for it, whatever is offered', async () => {
    const { port } = await start({ routes: [echo] })
    const offers = fc.constantFrom(
      'permessage-deflate',
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; server_max_window_bits=8; client_max_window_bits=8',
      'permessage-deflate; server_max_window_bits=99',
      'x-webkit-deflate-frame',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(offers, { minLength: 1, maxLength: 3 }), async (some) => {
        const client = await RawClient.connectUnbound(port)
        const { headers } = await client.upgrade({
          headers: { 'Sec-WebSocket-Extensions': some.join(', ') },
        })
        expect(headers['sec-websocket-extensions']).toBe(undefined)
        client.destroy()
      }),
      { numRuns: 30 },
    )
  })
})

describe('what a program hands over', () => {
  it('is copied, and what is no bytes is refused: nobody’s memory leaves with it', async () => {
    const refused: unknown[] = []
    class Careless extends WebSocketHandler {
      override open(): void {
        // A number was once a length of memory that nobody had cleared; a view of other numbers, bytes of another meaning.
        for (const data of [100, new Uint16Array(100), new DataView(new ArrayBuffer(9))]) {
          for (const say of [
            () => this.ping(data as never),
            () => this.close(1000, data as never),
          ]) {
            try {
              say()
              refused.push('taken')
            } catch (thrown) {
              refused.push((thrown as { code?: unknown }).code)
            }
          }
        }
        const bytes = new Uint8Array([1, 2, 3])
        this.ping(bytes)
        bytes.fill(9)
      }
    }
    const { port } = await start({ routes: [route('/', Careless)] })
    const client = await RawClient.open(port)
    expect(await client.next()).toMatchObject({ opcode: PING, payload: Buffer.from([1, 2, 3]) })
    const codes = ['ERR_WINDSOCK_CONTROL_PAYLOAD', 'ERR_WINDSOCK_CLOSE_REASON']
    expect(refused).toEqual([...codes, ...codes, ...codes])
  })
})
