// Ways: the four ways to read a topic and the two to write one, asked by hand, with whatever headers an attacker likes.

import { request } from 'node:http'
import { formatOffset } from '../../../../src/protocol/http-offset.ts'
import { RESUME_ERRORS, type ResumeErrorCode } from '../../../../src/protocol/resume.ts'
import { RawClient, text } from '../../support/raw-client.ts'

export type Headers = Readonly<Record<string, string>>

/** Where to begin: with the oldest, or after a position. */
export type Since = { readonly epoch: string; readonly offset: number } | 'start'

/** What came of it: a status of HTTP, and what was read. */
export interface Outcome {
  readonly status: number
  /** The first page; none where there was none. */
  readonly items?: readonly unknown[]
}

export interface Way {
  readonly name: string
  read(port: number, topic: string, headers?: Headers, since?: Since): Promise<Outcome>
}

export interface WritingWay {
  readonly name: string
  /** @param json - what is published, as it stands in the request. */
  write(port: number, topic: string, json: string, headers?: Headers): Promise<Outcome>
}

export const SUBPROTOCOL = { 'Sec-WebSocket-Protocol': 'windsock.v1.json' }

/** The frames of a session, by type; a refused handshake is its status. */
async function session<T>(
  port: number,
  headers: Headers,
  act: (client: RawClient) => Promise<T>,
): Promise<T | Outcome> {
  const client = await RawClient.connectUnbound(port)
  try {
    const { status } = await client.request({
      path: '/topics',
      headers: { ...SUBPROTOCOL, ...headers },
    })
    return status === 101 ? await act(client) : { status }
  } finally {
    client.destroy()
  }
}

interface Frame {
  readonly type: string
  readonly id?: number
  readonly code?: ResumeErrorCode
  readonly items?: readonly { readonly data: unknown }[]
  readonly recovered?: boolean
  readonly head?: number
}

async function nextOf(client: RawClient, ...types: readonly string[]): Promise<Frame> {
  for (;;) {
    const frame = JSON.parse(await client.nextText()) as Frame
    if (types.includes(frame.type)) return frame
  }
}

const failed = ({ code = 'internal' }: Frame): Outcome => ({ status: RESUME_ERRORS[code] })

const websocket: Way & WritingWay = {
  name: 'websocket',
  read: (port, topic, headers = {}, since = 'start') =>
    session(port, headers, async (client) => {
      const begin = since === 'start' ? { from: since } : { since }
      client.write(text(JSON.stringify({ type: 'subscribe', id: 1, topic, ...begin })))
      const answer = await nextOf(client, 'subscribed', 'error')
      if (answer.type === 'error') return failed(answer)
      if (answer.recovered === false) return { status: 410 }
      if (answer.head === 0) return { status: 200, items: [] }
      const { items = [] } = await nextOf(client, 'messages')
      return { status: 200, items: items.map(({ data }) => data) }
    }),
  write: (port, topic, json, headers = {}) =>
    session(port, headers, async (client) => {
      const name = JSON.stringify(topic)
      client.write(text(`{"type":"publish","id":1,"topic":${name},"data":${json}}`))
      const answer = await nextOf(client, 'ack', 'error')
      return answer.type === 'error' ? failed(answer) : { status: 204 }
    }),
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

interface Asking {
  readonly method?: string
  readonly headers?: Headers
  readonly body?: string
  /** An answer that does not end by itself is read until it matches this. */
  readonly until?: RegExp | undefined
}

/** One request over HTTP; unlike `fetch` it lets every header be set. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '', until }: Asking,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, method, headers, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => {
      let got = ''
      const done = () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: got })
      }
      response.setEncoding('utf8').on('data', (piece: string) => {
        got += piece
        if (until?.test(got) !== true) return
        done()
        asked.destroy()
      })
      response.on('error', reject).on('end', done)
    })
    asked.end(body)
  })
}

function overHttp(
  name: string,
  live: string,
  itemsOf: (body: string) => readonly unknown[],
  until?: RegExp,
): Way {
  return {
    name,
    async read(port, topic, headers = {}, since = 'start') {
      const offset = since === 'start' ? '-1' : formatOffset(since)
      const path = `/topics/${encodeURIComponent(topic)}?offset=${offset}${live}`
      const { status, body } = await ask(port, path, { headers, until })
      return status === 200 ? { status, items: itemsOf(body) } : { status }
    },
  }
}

const array = (json: string) => (json === '' ? [] : (JSON.parse(json) as unknown[]))

/** The messages of a stream's `data` events. */
function eventsIn(stream: string): unknown[] {
  return stream.split('\n\n').flatMap((event) => {
    if (!/^event: ?data$/m.test(event)) return []
    const lines = [...event.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line)
    return array(lines.join('\n'))
  })
}

export const WAYS: readonly Way[] = [
  websocket,
  overHttp('event stream', '&live=sse', eventsIn, /^event: ?control\ndata.*\n\n/m),
  overHttp('long poll', '&live=long-poll', array),
  overHttp('poll', '', array),
]

export const WRITING_WAYS: readonly WritingWay[] = [
  websocket,
  {
    name: 'POST',
    async write(port, topic, json, headers = {}) {
      const { status } = await ask(port, `/topics/${encodeURIComponent(topic)}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        // An array is one message for each of its values.
        body: `[${json}]`,
      })
      return { status }
    },
  },
]
