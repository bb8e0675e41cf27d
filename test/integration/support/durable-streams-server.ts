// Durable Streams server: topics over HTTP, and beside them what the protocol's own tests need to make streams.
//
// windsock's topics are made by programs, not by clients, so PUT and DELETE are no part of it. Here a PUT makes a topic
// of the content type that it names, with its body as the first messages, and a DELETE forgets it. Everything else is
// answered by `TopicRequests` as it stands.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type Sendable, type Server, serve, type Topic, topic } from 'windsock'
import { HandshakeRequest } from '../../../src/http/request.ts'
import type { PlainRequests } from '../../../src/http/requests.ts'
import { formatOffset } from '../../../src/protocol/http-offset.ts'
import { bodyReader } from '../../../src/transport/topic-input.ts'
import { TopicRequests } from '../../../src/transport/topic-requests.ts'

const PREFIX = '/v1/stream'
const HISTORY = { count: 10_000, bytes: 64 * 1024 * 1024 }

interface Made {
  readonly topic: Topic<Sendable>
  readonly contentType: string
}

export async function durableStreamsServer(): Promise<Server> {
  const made = new Map<string, Made>()
  const requests = new TopicRequests({
    prefix: PREFIX,
    topics: { get: (name) => made.get(name)?.topic },
    contentType: (name) => made.get(name)?.contentType ?? 'application/json',
    checkOrigin: 'any',
    rules: { accept: sendable },
    requestOf: (upgrade, captured) => new HandshakeRequest(upgrade, captured),
    report: (error) => console.error(error),
    // The tests wait for the deadline of a long poll, and send 100 KiB.
    longPollMs: 1_000,
    maxBodyBytes: 1024 * 1024,
  })
  return serve({ routes: [creation(made), { kind: 'requests', begin: () => requests }] })
}

/** A value alone is no message of windsock's; what has it as its JSON is. */
function sendable(input: unknown): Sendable {
  return typeof input === 'string' || (typeof input === 'object' && input !== null)
    ? input
    : { toJSON: () => input }
}

function creation(made: Map<string, Made>): PlainRequests {
  return {
    kind: 'requests',
    begin: () => ({
      answer: (request, response) => {
        const name = decodeURIComponent((request.url ?? '').slice(PREFIX.length + 1))
        if (request.method === 'PUT') void put(made, name, request, response)
        else if (request.method === 'DELETE') {
          response.writeHead(made.delete(name) ? 204 : 404).end()
        } else return false
        return true
      },
    }),
  }
}

async function put(
  made: Map<string, Made>,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request)
  const contentType = request.headers['content-type'] ?? 'application/octet-stream'
  const known = made.get(name)
  if (known !== undefined && known.contentType.toLowerCase() !== contentType.toLowerCase()) {
    response.writeHead(409).end()
    return
  }
  if (known === undefined) {
    const one = topic<Sendable>(name, { history: HISTORY })
    const reader = bodyReader(contentType, contentType)
    const inputs = typeof reader === 'function' && body.byteLength > 0 ? reader(body) : []
    if (!('status' in inputs)) for (const input of inputs) one.publish(sendable(input))
    made.set(name, { topic: one, contentType })
  }
  const { epoch, offset } = (made.get(name) as Made).topic
  response
    .writeHead(known === undefined ? 201 : 200, {
      'Content-Type': contentType,
      'Stream-Next-Offset': formatOffset({ epoch, offset }),
      Location: `http://${request.headers.host}${request.url}`,
      'X-Content-Type-Options': 'nosniff',
    })
    .end()
}
