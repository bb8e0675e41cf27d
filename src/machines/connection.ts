// The connection machine: the life of one connection, from the upgrade request to its end.
//
//   connecting { handshaking → opening } → open { alive ⇄ awaitingPong → overdue, paused } → closing → closed
//
// Rules that live here: which state follows which event, the deadlines by name, who began a close and why,
// which Close frame answers which trouble, and the close record. What this file refuses to know: sockets,
// streams, clocks, user code. Its actions are effects as data (`effects.ts`); `connection.ts` performs them.
//
// `closed` is reached by `transport.ended` alone, from every state: the record exists exactly when the link
// is gone. Sources: RFC 6455 §4 (opening), §5.5.2 and §5.5.3 (pings), §7.1 (closing), §7.4.1 (codes).

import { assertEvent, setup } from 'xstate'
import type {
  CloseCause,
  CloseFrame,
  CloseRecord,
  ConnectionTotals,
} from '../protocol/close-record.ts'
import type { ResponseBody, ResponseHeaders } from '../protocol/http-answer.ts'
import type { RouteLimits } from '../protocol/limits.ts'
import { LONGEST_DELAY_MS } from '../protocol/ports.ts'
import type { ConnectionEvent } from './effects.ts'

/** The deadlines of the machine, in ms; a subset of the route's limits. */
export type ConnectionDeadlines = Pick<
  RouteLimits,
  'handshakeTimeoutMs' | 'openTimeoutMs' | 'pingIntervalMs' | 'pingTimeoutMs' | 'closeTimeoutMs'
>

const deadlines = new WeakMap<RouteLimits, ConnectionDeadlines>()

/** The deadlines among a route's limits; one object for all its connections. */
export function deadlinesOf(limits: RouteLimits): ConnectionDeadlines {
  const known = deadlines.get(limits)
  if (known !== undefined) return known
  const { handshakeTimeoutMs, openTimeoutMs, pingIntervalMs, pingTimeoutMs, closeTimeoutMs } =
    limits
  const found = {
    handshakeTimeoutMs,
    openTimeoutMs,
    pingIntervalMs,
    pingTimeoutMs,
    closeTimeoutMs,
  }
  deadlines.set(limits, found)
  return found
}

export interface ConnectionInput {
  readonly connectionId: string
  /** Wall-clock time of the upgrade request, ms since 1970. */
  readonly startedAtMs: number
  readonly deadlines: ConnectionDeadlines
  /** The close code after a ping without an answer; default 1011. */
  readonly pingTimeoutCode?: number | undefined
}

export interface ConnectionContext extends ConnectionInput {
  /** Pings sent so far; also the sequence number of the last one. */
  readonly pings: number
  readonly initiator: CloseRecord['initiator']
  readonly cause: CloseCause
  readonly detail: string
  readonly sent: CloseFrame | null
  readonly received: CloseFrame | null
  readonly status: number | null
  readonly record: CloseRecord | null
}

/** A delay this long means "never": the host arms no timer for it. */
export const NEVER_MS = LONGEST_DELAY_MS

/**
 * How long an overdue pong may still be found among input that has arrived but was not read yet.
 *
 * A process that was stalled sees its timers before its sockets; one more turn of the event loop lets it
 * read what came in time. 50 ms are many turns.
 */
const PONG_GRACE_MS = 50

/** Of a connection that never had a link. */
export const NO_TOTALS: ConnectionTotals = {
  messagesReceived: 0,
  bytesReceived: 0,
  messagesSent: 0,
  bytesSent: 0,
  messagesDropped: 0,
  bytesUnsent: 0,
}

/** The context of a connection that begins. Field by field: two objects spread into one cost 5 µs and 3 KB. */
export function beginning(input: ConnectionInput): ConnectionContext {
  const { connectionId, startedAtMs, deadlines, pingTimeoutCode } = input
  return {
    connectionId,
    startedAtMs,
    deadlines,
    pingTimeoutCode,
    pings: 0,
    initiator: 'network',
    cause: 'transportLost',
    detail: '',
    sent: null,
    received: null,
    status: null,
    record: null,
  }
}

// Effects are names with parameters. Running one does nothing, so an actor of this machine has no side effect.
const effect = () => {}
const effectOf = <Params>() => effect as (_: unknown, params: Params) => void

const machineSetup = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    output: {} as CloseRecord,
  },
  delays: {
    handshakeTimeout: ({ context }) => context.deadlines.handshakeTimeoutMs,
    openTimeout: ({ context }) => context.deadlines.openTimeoutMs,
    pingInterval: ({ context }) => context.deadlines.pingIntervalMs || NEVER_MS,
    pingTimeout: ({ context }) =>
      context.deadlines.pingTimeoutMs || context.deadlines.pingIntervalMs || NEVER_MS,
    pongGrace: PONG_GRACE_MS,
    closeTimeout: ({ context }) => context.deadlines.closeTimeoutMs,
  },
  guards: {
    /** `pingTimeoutMs: 0` keeps pinging a peer that never answers. */
    mayStaySilent: ({ context }) => context.deadlines.pingTimeoutMs === 0,
  },
  actions: {
    refuse: effectOf<{
      status: number
      reason: string
      headers: ResponseHeaders
      body?: ResponseBody
    }>(),
    upgrade: effect,
    callOpen: effect,
    openGate: effect,
    shutGate: effect,
    sendPing: effectOf<{ sequence: number }>(),
    sendClose: effectOf<{ frame: CloseFrame; discard: boolean }>(),
    destroy: effect,
    finish: effectOf<{ record: CloseRecord }>(),
  },
})

/** Events that say why a connection ends, the link being there still. */
export type Ending = Exclude<
  ConnectionEvent,
  {
    readonly type:
      | 'handshake.accepted'
      | 'open.finished'
      | 'pong.received'
      | 'input.paused'
      | 'input.resumed'
      | 'transport.ended'
  }
>

/** What each of them leaves in the context: who, why, and which Close frames (§7.4.1 for the codes). */
export function endedBy(event: Ending): Partial<ConnectionContext> {
  switch (event.type) {
    case 'handshake.refused':
    case 'upgrade.failed':
      return local('refused', event.reason, { status: event.status })
    case 'app.closed':
      return local('appClosed', '', { sent: event.frame })
    case 'server.draining':
      return local('draining', '', { sent: event.frame })
    case 'handler.failed':
      return local(event.cause, event.detail, {
        sent: {
          code: 1011,
          reason: event.cause === 'handlerTimeout' ? 'handler timed out' : 'internal error',
        },
      })
    case 'limit.exceeded':
      return local(event.cause, event.detail, {
        sent:
          event.cause === 'slowConsumer'
            ? { code: 1013, reason: 'slow consumer' }
            : { code: 1008, reason: 'limit exceeded' },
      })
    case 'protocol.violated':
      return local(event.cause, event.detail, { sent: event.sent })
    case 'peer.closed':
      // The transport has answered with the same code (§5.5.1).
      return { initiator: 'peer', cause: 'peerClosed', sent: event.frame, received: event.frame }
  }
}

function local(
  cause: CloseCause,
  detail: string,
  answer: { readonly sent: CloseFrame } | { readonly status: number },
): Partial<ConnectionContext> {
  return { initiator: 'local', cause, detail, ...answer }
}

const noteEnd = machineSetup.assign(({ event }) => endedBy(event as Ending))

const noteOpenTimeout = machineSetup.assign(
  local('openTimeout', '', { sent: { code: 1011, reason: 'open timed out' } }),
)

const notePingTimeout = machineSetup.assign(({ context: { pingTimeoutCode: code = 1011 } }) =>
  local('pingTimeout', '', { sent: { code, reason: 'ping timed out' } }),
)

const noteRefusal = (status: number, cause: CloseCause, detail: string) =>
  machineSetup.assign(local(cause, detail, { status }))

/** Closed before there is a link: a refusal, with the code and the reason that no Close frame can carry. */
const noteEarlyClose = machineSetup.assign(({ event }) => {
  const { code, reason } = (event as ConnectionEvent & { type: 'app.closed' }).frame
  return local('appClosed', `closed before it was open: ${code} ${reason}`.trim(), { status: 403 })
})

const sendClose = {
  type: 'sendClose',
  params: ({ context }: { context: ConnectionContext }) => ({
    // Whatever leads here has noted the frame before.
    frame: context.sent as CloseFrame,
    // A peer that takes nothing would never get to a Close frame behind what it does not take.
    discard: context.cause === 'slowConsumer',
  }),
} as const

const sendPing = [
  machineSetup.assign({ pings: ({ context }) => context.pings + 1 }),
  {
    type: 'sendPing',
    params: ({ context }: { context: ConnectionContext }) => ({ sequence: context.pings }),
  },
] as const

const refuse = {
  type: 'refuse',
  params: ({ context, event }: { context: ConnectionContext; event: ConnectionEvent }) => ({
    status: context.status as number,
    reason: context.detail,
    headers: (event.type === 'handshake.refused' && event.headers) || {},
    ...(event.type === 'handshake.refused' && event.body !== undefined && { body: event.body }),
  }),
} as const

/** What ends the exchange of messages once there is a link; shared by `opening` and `open`. */
const closeLocally = { target: '#connection.closing', actions: [noteEnd, sendClose] }
const endings = {
  'app.closed': closeLocally,
  'server.draining': closeLocally,
  'handler.failed': closeLocally,
  'limit.exceeded': closeLocally,
  'peer.closed': { target: '#connection.closing', actions: noteEnd },
  'protocol.violated': { target: '#connection.closing', actions: noteEnd },
}

/** The machine of one connection. `provide` your own guards and delays to change its behaviour. */
export const connectionMachine = machineSetup.createMachine({
  id: 'connection',
  context: ({ input }) => beginning(input),
  initial: 'connecting',
  on: { 'transport.ended': '.closed' },
  states: {
    connecting: {
      initial: 'handshaking',
      states: {
        handshaking: {
          after: {
            handshakeTimeout: {
              target: '#connection.closing',
              actions: [
                noteRefusal(503, 'handshakeTimeout', 'the handshake took too long to decide'),
                refuse,
              ],
            },
          },
          on: {
            'handshake.accepted': { target: 'opening', actions: 'upgrade' },
            'handshake.refused': { target: '#connection.closing', actions: [noteEnd, refuse] },
            'handler.failed': {
              target: '#connection.closing',
              actions: [noteRefusal(500, 'handlerFailed', 'internal error'), refuse],
            },
            'app.closed': { target: '#connection.closing', actions: [noteEarlyClose, refuse] },
            'server.draining': {
              target: '#connection.closing',
              actions: [noteRefusal(503, 'draining', 'the server is going away'), refuse],
            },
          },
        },
        opening: {
          entry: 'callOpen',
          after: {
            openTimeout: {
              target: '#connection.closing',
              actions: [noteOpenTimeout, sendClose],
            },
          },
          on: {
            ...endings,
            'upgrade.failed': { target: '#connection.closing', actions: noteEnd },
            'open.finished': '#connection.open',
          },
        },
      },
    },
    open: {
      entry: 'openGate',
      on: { ...endings, 'input.paused': '.paused' },
      initial: 'alive',
      states: {
        alive: {
          after: { pingInterval: { target: 'awaitingPong', actions: [...sendPing] } },
        },
        awaitingPong: {
          after: {
            pingTimeout: [
              {
                guard: 'mayStaySilent',
                target: 'awaitingPong',
                reenter: true,
                actions: [...sendPing],
              },
              { target: 'overdue' },
            ],
          },
          on: { 'pong.received': 'alive' },
        },
        overdue: {
          after: {
            pongGrace: {
              target: '#connection.closing',
              actions: [notePingTimeout, sendClose],
            },
          },
          on: { 'pong.received': 'alive' },
        },
        paused: { on: { 'input.resumed': 'alive' } },
      },
    },
    closing: {
      entry: 'shutGate',
      after: { closeTimeout: { actions: 'destroy' } },
      on: {
        'peer.closed': {
          actions: machineSetup.assign(({ event }) => {
            assertEvent(event, 'peer.closed')
            return { received: event.frame }
          }),
        },
      },
    },
    closed: {
      type: 'final',
      entry: [
        machineSetup.assign({ record: ({ context, event }) => closeRecord(context, event) }),
        {
          type: 'finish',
          params: ({ context }) => ({ record: context.record as CloseRecord }),
        },
      ],
    },
  },
  output: ({ context }) => context.record as CloseRecord,
})

/** The machine that drives connections, as it is or with guards and delays of your own (`provide`). */
export type ConnectionMachine = typeof connectionMachine

/** What is to be said of a life when `event`, a `transport.ended`, has ended it. */
export function closeRecord(context: ConnectionContext, event: ConnectionEvent): CloseRecord {
  assertEvent(event, 'transport.ended')
  const { sent, durationMs, silentForMs, totals } = event
  const { connectionId, startedAtMs, initiator, cause, detail, received, status } = context
  return {
    connectionId,
    initiator,
    cause,
    detail,
    sent,
    received,
    // §7.1.5: the code of the first Close frame received; 1005 when it was empty, 1006 when none came.
    code: received === null ? 1006 : received.code,
    reason: received?.reason ?? '',
    wasClean: sent !== null && received !== null,
    status,
    startedAtMs,
    durationMs,
    silentForMs,
    totals,
  }
}
