// WebSocket links: plain messages, and topics by the resume protocol.
//
// A link for topics is open when the server has said `welcome`: a proxy that lets the upgrade through and nothing else
// is so found out by the client's deadline. Heartbeats and pongs stay here; what they mean for the topics goes on. A
// server that says it is there and has not answered anything for too long is given up with the next thing that it says.

import type { CloseFrame } from '../../protocol/close-record.ts'
import type { Message } from '../../protocol/message.ts'
import { isOffset } from '../../protocol/position.ts'
import { clientFrameJson, RESUME_SUBPROTOCOL, type ServerFrame } from '../../protocol/resume.ts'
import type { ClientSocket, Environment } from '../environment.ts'
import { Liveness } from '../liveness.ts'
import type { ClientNumbers } from '../settings.ts'
import type { Link, LinkEvents, TopicFrame, TopicLink } from './link.ts'

/** A server that sends this is none of ours, or is broken, and would be again. */
const NO_FRAME = { code: 1002, reason: `what came is no frame of ${RESUME_SUBPROTOCOL}` }
/** It says that it is there, and does not do what it is asked for. */
const NO_ANSWER = { code: 1006, reason: 'the server does not answer' }
/** As many as the server is sure to take at once, without a wait for each answer. */
const PUBLISHES_AT_ONCE = 16

interface Dialed {
  readonly socket: ClientSocket
  /** Replaces the watch over the server's signs of life. */
  readonly watch: (heartbeatMs: number, ask: (() => void) | undefined) => void
  /** Closes the socket, and says why. */
  readonly fail: (frame: CloseFrame) => void
  readonly link: Link<Message>
}

/** A link of plain messages. */
export function openPlain(
  url: string,
  protocols: readonly string[],
  events: LinkEvents<Message>,
  environment: Environment,
  numbers: ClientNumbers,
): Link<Message> {
  const { link, watch } = dial(url, protocols, environment, numbers, {
    ...events,
    opened() {
      watch(numbers.heartbeatMs, undefined)
      events.opened()
    },
  })
  return link
}

/** A link for topics. */
export function openWebSocket(
  url: string,
  events: LinkEvents<TopicFrame>,
  environment: Environment,
  numbers: ClientNumbers,
): TopicLink {
  const { clock } = environment
  // The deadline of a request over HTTP, too.
  const answerMs = numbers.heartbeatMs + numbers.heartbeatTimeoutMs
  let publishPerSecond = 0
  let frameBytes = 0
  const unanswered = new Set<number | undefined>()
  /** When it answered something last, or was asked when it owed nothing. */
  let answeredMs = 0
  const { link, socket, watch, fail } = dial(url, [RESUME_SUBPROTOCOL], environment, numbers, {
    ...events,
    opened() {},
    received(message) {
      const frame = parse(message)
      if (frame === undefined) {
        fail(NO_FRAME)
      } else if (frame.type === 'welcome') {
        ;({ publishPerSecond, frameBytes } = frame.limits)
        watch(frame.heartbeatMs, () => socket.send(clientFrameJson({ type: 'ping', id: 0 })))
        events.opened()
      } else {
        if ('id' in frame && unanswered.delete(frame.id)) answeredMs = clock.nowMs()
        if (unanswered.size > 0 && clock.nowMs() - answeredMs > answerMs) fail(NO_ANSWER)
        else events.received(frame)
      }
    },
  })
  return {
    ...link,
    send(request) {
      const { id } = request
      const json = clientFrameJson(request)
      if (new Blob([json]).size > frameBytes) {
        // The server would end the connection, and with it what waits behind this.
        const message = `at most ${frameBytes} bytes`
        return events.received({ type: 'error', id, code: 'too_large', message })
      }
      if (unanswered.size === 0) answeredMs = clock.nowMs()
      unanswered.add(id)
      socket.send(json)
    },
    publishesAtOnce: PUBLISHES_AT_ONCE,
    get publishPerSecond() {
      return publishPerSecond
    },
  }
}

function dial(
  url: string,
  protocols: readonly string[],
  environment: Environment,
  { heartbeatTimeoutMs }: ClientNumbers,
  events: LinkEvents<Message>,
): Dialed {
  let liveness: Liveness | undefined
  let over = false
  const end = (tell: () => void) => {
    if (over) return
    over = true
    liveness?.stop()
    tell()
  }
  const socket = environment.openSocket(url, protocols, {
    opened: () => events.opened(),
    received(message) {
      if (over) return
      liveness?.heard()
      events.received(message)
    },
    heard: () => over || liveness?.heard(),
    closed: (code, reason, hint) => end(() => events.closed({ code, reason }, hint)),
  })
  const fail = (frame: CloseFrame) =>
    end(() => {
      socket.destroy()
      events.closed(frame)
    })
  return {
    socket,
    fail,
    watch(heartbeatMs, ask) {
      liveness?.stop()
      liveness = new Liveness({
        clock: environment.clock,
        heartbeatMs,
        timeoutMs: heartbeatTimeoutMs,
        ask,
        gone: () => fail({ code: 1006, reason: 'the server has fallen silent' }),
      })
    },
    link: {
      send: (message) => socket.send(message),
      close: ({ code, reason }) => (code === 1005 ? socket.close() : socket.close(code, reason)),
      destroy: () => end(() => socket.destroy()),
      probe: () => liveness?.probe(),
    },
  }
}

function parse(message: Message): ServerFrame | undefined {
  if (typeof message !== 'string') return undefined
  try {
    const frame = JSON.parse(message)
    return isFrame(frame) ? frame : undefined
  } catch {
    return undefined
  }
}

/** As far as links and timers rely on it; whoever reads the rest finds out the rest. @throws TypeError for null. */
function isFrame({ type, heartbeatMs, limits, retryAfterMs = 0 }: Record<string, unknown>) {
  if (type !== 'welcome') return typeof type === 'string' && typeof retryAfterMs === 'number'
  const { publishPerSecond } = limits as Record<string, unknown>
  return isOffset(heartbeatMs) && isOffset(publishPerSecond)
}
