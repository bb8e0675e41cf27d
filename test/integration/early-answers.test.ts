// Answers that come before the request is whole, to clients that send all they have before they read.

import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { page, route, topic, topics } from 'windsock'
import { RequestHandler } from 'windsock/tornado'
import { LINGER_BYTES } from '../../src/protocol/linger.ts'
import { startApplication } from './support/application.ts'
import { requestBytes } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const MIB = 1024 * 1024
/** More than the kernel's buffers of both ends hold, so that it is read or stays unsent. */
const MUCH = Buffer.alloc(12 * MIB, 'x')

const LENGTH = `Content-Length: ${MUCH.byteLength}`
const CHUNKED = 'Transfer-Encoding: chunked'
const framed = (framing: string) =>
  framing === LENGTH
    ? MUCH
    : Buffer.concat([
        Buffer.from(`${MUCH.byteLength.toString(16)}\r\n`),
        MUCH,
        Buffer.from('\r\n0\r\n\r\n'),
      ])
const post = (path: string, ...headers: string[]) =>
  Buffer.from(
    `${[`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: text/plain', ...headers].join('\r\n')}\r\n\r\n`,
  )

async function house() {
  const news = topic<string>('news', { history: { count: 10 } })
  const { port } = await start({
    routes: [
      topics('/topics', [news], { accept: String, maxBodyBytes: 1_000 }),
      page('/page', new URL('../../package.json', import.meta.url)),
      route('/socket', () => {}),
    ],
  })
  return { port, news }
}

class Form extends RequestHandler {
  override post(): void {
    this.write('thanks')
  }
}

function dial(port: number, allowHalfOpen = false): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen }, () => resolve(socket))
    socket.once('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

/** Sends all of it and reads nothing before; then what came until the server ended, or how it failed. */
async function sendsThenReads(port: number, ...pieces: readonly Uint8Array[]): Promise<string> {
  const socket = await dial(port)
  socket.pause()
  return new Promise((resolve) => {
    let got = ''
    socket.on('error', ({ message }) => resolve(`${message}, after ${got}`))
    socket.setEncoding('latin1').on('data', (text) => {
      got += text
    })
    socket.pause()
    socket.once('end', () => resolve(got))
    socket.write(Buffer.concat(pieces), () => socket.resume())
  })
}

describe('a client that sends megabytes and only then reads', () => {
  it.each([LENGTH, CHUNKED])('to a topic gets its 413: %s', async (framing) => {
    const { port, news } = await house()
    const got = await sendsThenReads(port, post('/topics/news', framing), framed(framing))
    expect(got).toMatch(/^HTTP\/1.1 413 [^]*\r\n\r\na body may have 1000 bytes\n$/)
    expect(got).toMatch(/^connection: close$/im)
    expect(news.offset).toBe(0)
  })

  it('to no topic gets its 404', async () => {
    const { port } = await house()
    const got = await sendsThenReads(port, post('/topics/old', LENGTH), MUCH)
    expect(got).toMatch(/^HTTP\/1.1 404 [^]*\r\n\r\nthere is no topic of this name\n$/)
  })

  it.each([LENGTH, CHUNKED])('to a request handler gets its 413: %s', async (framing) => {
    const { port } = await startApplication([['/form', Form]], { maxBodySize: 1_000 })
    const got = await sendsThenReads(port, post('/form', framing), framed(framing))
    expect(got).toMatch(/^HTTP\/1.1 413 [^]*\r\n\r\na body may have 1000 bytes\n$/)
    expect(got).toMatch(/^connection: close$/im)
  })

  it.each([
    ['/nowhere', 404],
    ['/page', 405],
    ['/socket', 405],
  ])('to %s, and is to be closed then, gets its %i', async (path, status) => {
    const { port } = await house()
    const got = await sendsThenReads(port, post(path, LENGTH, 'Connection: close'), MUCH)
    expect(got.match(/^HTTP\/1.1 \d+/gm)).toEqual([`HTTP/1.1 ${status}`])
  })

  it.each(['GET', 'HEAD'])('with a %s for a page gets it', async (method) => {
    const { port } = await house()
    const head = `${method} /page HTTP/1.1\r\nHost: x\r\n${LENGTH}\r\nConnection: close\r\n\r\n`
    const got = await sendsThenReads(port, Buffer.from(head), MUCH)
    const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    expect(got).toMatch(/^HTTP\/1.1 200 /)
    expect(got.split('\r\n\r\n')[1]).toBe(method === 'GET' ? file : '')
  })

  it.each([
    ['GET', 200],
    ['HEAD', 200],
    ['GET', 304],
  ])('with a %s for a static file gets its %i', async (method, status) => {
    const staticPath = fileURLToPath(new URL('../../docs', import.meta.url))
    const { port } = await startApplication([], { staticPath })
    const since = status === 304 ? 'If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n' : ''
    const head = `${method} /static/README.md HTTP/1.1\r\nHost: x\r\n${since}${LENGTH}\r\nConnection: close\r\n\r\n`
    const got = await sendsThenReads(port, Buffer.from(head), MUCH)
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(got.includes('# Documentation')).toBe(method === 'GET' && status === 200)
  })

  it('to no path keeps its connection', async () => {
    const { port } = await house()
    const last = post('/page', 'Content-Length: 0', 'Connection: close')
    const got = await sendsThenReads(port, post('/nowhere', LENGTH), MUCH, last)
    expect(got.match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 405'])
  })

  it('behind an upgrade that is refused gets why', async () => {
    const { port } = await house()
    const got = await sendsThenReads(port, requestBytes({ path: '/nowhere' }), MUCH)
    expect(got).toMatch(/^HTTP\/1.1 404 [^]*\r\n\r\nthere is nothing at this path\n$/)
  })
})

describe('a client that never stops sending', () => {
  const endless = async (port: number, head: Uint8Array): Promise<number> => {
    const socket = await dial(port, true)
    let taken = 0
    socket.on('error', () => {})
    socket.write(head)
    const piece = Buffer.alloc(MIB)
    const more = (error?: Error | null) => {
      if (error || socket.destroyed) return
      taken += piece.byteLength
      socket.write(piece, more)
    }
    more()
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    return taken
  }
  // And what the kernel's buffers take.
  const most = LINGER_BYTES + 16 * MIB

  it.each(['/topics/news', '/nowhere'])('to %s is cut off', async (path) => {
    const { port } = await house()
    const head = post(path, `Content-Length: ${2 ** 40}`)
    expect(await endless(port, head)).toBeLessThan(most)
  })

  it('to a request handler is cut off', async () => {
    const { port } = await startApplication([['/form', Form]], { maxBodySize: 1_000 })
    const head = post('/form', `Content-Length: ${2 ** 40}`)
    expect(await endless(port, head)).toBeLessThan(most)
  })

  it('behind an upgrade that is refused is cut off', async () => {
    const { port } = await house()
    expect(await endless(port, requestBytes({ path: '/nowhere' }))).toBeLessThan(most)
  })
})

describe('a request behind a body that was too large', () => {
  /** What came back, for a body that is answered before it comes, and a whole request behind it. */
  async function asksOn(port: number, path: string): Promise<string> {
    const socket = await dial(port)
    let got = ''
    const answered = new Promise<void>((resolve) => {
      socket.setEncoding('latin1').on('data', (text) => {
        got += text
        resolve()
      })
    })
    const ended = new Promise((resolve) => socket.once('end', resolve))
    socket.write(post(path, 'Content-Length: 2000'))
    await answered
    const next = Buffer.concat([post(path, 'Content-Length: 5'), Buffer.from('hello')])
    socket.write(Buffer.concat([Buffer.alloc(2_000), next]))
    await ended
    return got
  }

  it('to a topic is not acted upon: the answer before it was the last', async () => {
    const { port, news } = await house()
    const got = await asksOn(port, '/topics/news')
    expect(got.match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 413'])
    expect(news.offset).toBe(0)
  })

  it('to a request handler is not acted upon either', async () => {
    let posts = 0
    class Counter extends RequestHandler {
      override post(): void {
        posts++
      }
    }
    const { port } = await startApplication([['/form', Counter]], { maxBodySize: 1_000 })
    const got = await asksOn(port, '/form')
    expect(got.match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 413'])
    expect(posts).toBe(0)
  })
})
