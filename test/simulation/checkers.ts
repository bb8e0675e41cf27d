// Checkers: what has to be true of a run beyond the laws of the kit, judged from what clients, handlers and the script
// say. They know the promises and no code that keeps them.

import { type CloseRecord, fold } from 'windsock'
import type { Harness, Life } from 'windsock/testing'
import { asksBadly, delayOf, hasFailed, isHonest, isSlow, UNKIND } from './excuses.ts'
import { followersComplain } from './follower-checkers.ts'
import type { World } from './world.ts'

/** The code that answers each trouble (RFC 6455 §7.4.1, and the IANA registry). */
const CODES: Partial<Record<CloseRecord['cause'], readonly number[]>> = {
  openTimeout: [1011],
  handlerTimeout: [1011],
  handlerFailed: [1011],
  protocolError: [1002],
  invalidPayload: [1007],
  messageTooBig: [1009],
  limitExceeded: [1008],
  slowConsumer: [1013],
  draining: [1001, 1012],
  pingTimeout: [1011, 4000],
}

export class Violation extends Error {
  constructor(checker: string, what: string) {
    super(`${checker}: ${what}`)
    this.name = 'Violation'
  }
}

type Complaint = string | false | undefined
type Checker = (life: Life, world: World, server: Harness) => Complaint | Promise<Complaint>

/** Holds every checker against every life; throws `Violation` at the first that has something to say. */
export async function check(server: Harness, world: World): Promise<void> {
  const told = await followersComplain(server, world)
  if (told !== undefined) throw new Violation(...told)
  for (const life of server.lives) {
    for (const [name, checker] of Object.entries(CHECKERS)) {
      const what = await checker(life, world, server)
      if (what) throw new Violation(name, `client ${life.client.number}: ${what}`)
    }
  }
  const isOverdue = ({ records: [record] }: Life) =>
    record?.cause === 'openTimeout' || record?.cause === 'handshakeTimeout'
  const mayReport = (life: Life) => hasFailed(life) || isOverdue(life)
  if (server.errors.length > 0 && !server.lives.some(mayReport)) {
    throw new Violation('errors', `reported, and nobody has failed: ${server.errors[0]}`)
  }
}

const CHECKERS: Readonly<Record<string, Checker>> = {
  /** The three codes: what came, what went, and what the application is told (RFC 6455 §7.1.5). */
  codes: ({ client, records: [record] }) => {
    if (record === undefined) return undefined
    const { code, reason, received, sent, wasClean } = record
    const said = client.out.flatMap(({ item }) => (item.kind === 'close' ? [item.frame] : []))
    if (received !== null && !said.some((frame) => isSame(frame, received))) {
      return `the record has received ${received.code}, which it never said`
    }
    const told = received ?? { code: 1006, reason: '' }
    if (code !== told.code || reason !== told.reason) return `the application was told ${code}`
    if (wasClean !== (sent !== null && received !== null)) return `wasClean is ${wasClean}`
    const [seen] = client.closeFrames
    if (seen !== undefined && (sent === null || !isSame(seen, sent))) {
      return `it got close ${seen.code}, and the record has ${sent?.code} as sent`
    }
    return undefined
  },

  /** Who began, and why, is what really happened. */
  cause: (life, { bounds, script }) => {
    const { client, entries, records } = life
    const [record] = records
    if (record === undefined) return undefined
    const { cause, initiator, sent, received } = record
    const has = (what: string) => entries.some((entry) => entry.what === what)
    const says = (...kinds: string[]) => client.out.some(({ item }) => kinds.includes(item.kind))
    const expected = CODES[cause]
    // A Close frame of the peer's that crossed ours, or came while ours waited, was answered in its place.
    if (sent !== null && expected !== undefined && received === null) {
      if (!expected.includes(sent.code)) return `${cause} was answered with ${sent.code}`
    }
    const by = cause === 'peerClosed' ? 'peer' : cause === 'transportLost' ? 'network' : 'local'
    if (initiator !== by) return `${cause} was begun by ${initiator}`
    switch (cause) {
      case 'peerClosed':
        return !says('close') && 'peerClosed, and it never closed'
      case 'transportLost':
        return !says('end') && 'transportLost, and it never went away'
      case 'appClosed':
        return !has('closeCall') && 'appClosed, and its handler never closed'
      case 'handlerFailed':
        return !hasFailed(life) && 'handlerFailed, and its handler never failed'
      case 'protocolError':
      case 'invalidPayload':
        return !says('breach') && `${cause}, and it kept to the rules`
      case 'messageTooBig': {
        const most = Math.max(0, ...client.said.map((message) => Buffer.byteLength(message)))
        // Fragments by hand may be too many bytes as well.
        if (says('breach')) return false
        return (
          most <= (bounds.maxMessageBytes ?? Infinity) && `${cause}, and its longest has ${most}`
        )
      }
      case 'limitExceeded': {
        const least = bounds.maxControlFramesPer10s ?? 100
        const isLess = unaskedControls(client).length <= least
        return !says('breach') && isLess && `${cause}, and it kept within it`
      }
      case 'pingTimeout':
        return isHonest(life.client.number, bounds, script.steps) && 'pingTimeout, and it answered'
      case 'openTimeout':
        return !/opens|inOpen/i.test(client.path) && 'openTimeout, and its handler opens at once'
      case 'handlerTimeout':
        return !isSlow(client.path, script.steps) && `${cause} at ${client.path}`
      case 'handshakeTimeout':
        return !/decide/i.test(client.path) && 'handshakeTimeout, and nothing had to be decided'
      case 'refused':
        return (
          !['/refuses', '/truthy'].includes(client.path) &&
          !asksBadly(client, script.steps) &&
          'it was refused'
        )
      default:
        return undefined
    }
  },

  /** What is refused is refused with a status that says why, and nothing else is (RFC 6455 §4.2.2). */
  status: ({ client, connection, records: [record] }, { script }) => {
    const { statusReceived: status } = client
    if (connection === undefined) return status !== undefined && status !== 503 && `got ${status}`
    if (record === undefined || status === undefined) return undefined
    if (record.status !== (status === 101 ? null : status))
      return `${status} came, not ${record.status}`
    if (status === 101) {
      const { origin } = connection.request.headers
      return client.path === '/truthy' && origin !== undefined && 'a foreign page was let in'
    }
    const drained = script.steps.some(({ does }) => does === 'drain')
    const expected = {
      refused: [400, 403],
      handlerFailed: [500],
      handshakeTimeout: [503],
      draining: [503],
    }
    const fitting = expected[record.cause as 'refused'] ?? []
    return !fitting.includes(status) && !drained && `${record.cause} was answered with ${status}`
  },

  /** There are never more connections than were allowed. */
  crowd: (life, { bounds: { maxConnections } }, server) => {
    if (maxConnections === undefined || life.connection === undefined) return undefined
    const before = server.lives.slice(0, server.lives.indexOf(life))
    const there = before.filter(({ connection, hasCrashed, entries }) => {
      const over = entries.find(({ what }) => what === 'over')?.atMs ?? Infinity
      return connection !== undefined && !hasCrashed && over > life.startedAtMs
    })
    return there.length >= maxConnections && `it is one of ${there.length + 1} connections`
  },

  /** What a handler throws while its connection is open ends that connection, with 1011 (I-12, I-15). */
  throws: ({ client, entries, records: [record] }) => {
    // A breach in the same read may be dealt with before a rejection is heard of.
    if (client.out.some(({ item }) => item.kind === 'breach')) return undefined
    const ends = entries.find(({ what }) => ['throws', 'closeCall', 'end'].includes(what))
    if (ends?.what !== 'throws' || record === undefined) return undefined
    return record.cause !== 'handlerFailed' && `its handler threw, and the cause is ${record.cause}`
  },

  /** What was counted is what was there. */
  totals: ({ client, heard, sent, calm, slow, records: [record] }) => {
    if (record === undefined) return undefined
    const { messagesReceived, bytesReceived, messagesSent, messagesDropped } = record.totals
    const bytes = heard.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
    if (messagesReceived !== heard.length) return `received ${messagesReceived} of ${heard.length}`
    if (bytesReceived !== bytes) return `received ${bytesReceived} bytes of ${bytes}`
    const got = client.messages.length
    if (messagesSent < got) return `sent ${messagesSent}, and it got ${got}`
    if (messagesSent + messagesDropped > sent.length) {
      return `sent ${messagesSent} and dropped ${messagesDropped} of ${sent.length}`
    }
    const drops = slow === 'drop-oldest' || slow === 'latest'
    if (drops && calm?.isQuiet && record.cause === 'draining' && client.closeFrames.length > 0) {
      const missing = sent.length - got
      return missing !== messagesDropped && `${missing} are missing and ${messagesDropped} dropped`
    }
    return undefined
  },

  /** The times in the record, and the bound on the end of a connection (I-10). */
  times: ({ client, calm, entries, startedAtMs, records: [record] }, { bounds, script }) => {
    const over = entries.find(({ what }) => what === 'over')
    if (over === undefined || record === undefined) return undefined
    const lasted = over.atMs - startedAtMs
    if (Math.abs(record.durationMs - lasted) > 1e-6) {
      return `it lasted ${lasted} ms, and the record has ${record.durationMs}`
    }
    if (record.silentForMs > record.durationMs || record.silentForMs < 0) {
      return `silent for ${record.silentForMs} of ${record.durationMs} ms`
    }
    // What it said before all was quiet had been heard by then, and no sooner than it was said.
    const heardAll = calm?.isOpen && calm.isQuiet && !calm.isBusy && calm.heard === calm.said
    const last = client.out.findLast(
      ({ atMs, item }) => calm !== undefined && atMs < calm.atMs && item.kind !== 'end',
    )
    if (heardAll && last !== undefined && record.silentForMs > over.atMs - last.atMs + 1e-6) {
      return `silent for ${record.silentForMs} ms, and it said something ${over.atMs - last.atMs} ms before`
    }
    const end = entries.find(({ what }) => what === 'end')
    if (end === undefined) return undefined
    const most = (bounds.closeTimeoutMs ?? 5_000) + delayOf(script.steps) + 1
    return over.atMs - end.atMs > most && `it took ${over.atMs - end.atMs} ms to end`
  },

  /** Each pong answers a ping, the newest at the latest (RFC 6455 §5.5.3). */
  pongs: ({ client, calm }) => {
    const data = (items: typeof client.out, kind: string) =>
      items.flatMap(({ item }) => (item.kind === kind && 'data' in item ? [hex(item.data)] : []))
    const pings = data(client.out, 'ping')
    const pongs = data(client.wire, 'pong')
    // Bytes by hand may be pings as well.
    if (client.out.some(({ item }) => item.kind === 'breach')) return undefined
    let at = 0
    for (const pong of pongs) {
      while (at < pings.length && pings[at] !== pong) at++
      if (at++ >= pings.length) return `it got pong ${pong}, which answers nothing`
    }
    if (!calm?.isOpen || !calm.isQuiet || client.hasClosed || calm.isBusy) return undefined
    return pings.length > 0 && pongs.at(-1) !== pings.at(-1) && 'its last ping was not answered'
  },

  /** What waits for one client is bounded in messages, too; its socket may have 64 KiB, and the write that crossed it. */
  messages: ({ mostHeldBytes, largestSentBytes, slow }, { bounds }) => {
    const { maxOutboundMessages, outboundHighWaterBytes = 65_536 } = bounds
    if (maxOutboundMessages === undefined || slow === 'drop-oldest' || slow === 'latest') return
    const most = (maxOutboundMessages + 2) * largestSentBytes + 65_536 + outboundHighWaterBytes
    return mostHeldBytes > most && `${mostHeldBytes} bytes waited, over ${most}`
  },

  /** A client that keeps to the rules, in a network that does, is closed with Close frames both ways (§7.1.4). */
  clean: ({ client, calm, entries, records: [record] }, { bounds, script }) => {
    const { latencyMs = 1, closeTimeoutMs = 5_000, bufferBytes } = bounds
    const isHurried = bufferBytes !== undefined || closeTimeoutMs < 4 * latencyMs + 20
    if (!calm?.isOpen || !calm.isQuiet || isHurried || record?.cause !== 'draining')
      return undefined
    const bad = [...UNKIND, 'ignoreClose', 'cutWhenIdle', 'duplicate', 'abort']
    // A client that connects again has ended its connection before.
    const hasEnded = client.out.some(({ item }) => item.kind === 'end')
    const isKind =
      !hasEnded &&
      !script.steps.some((step) => step.client === client.number && bad.includes(step.does))
    if (!isKind) return undefined
    if (!record.wasClean) return 'it answered the Close frame, and its end was not clean'
    const at = (what: string) => entries.find((entry) => entry.what === what)?.atMs ?? 0
    const tookMs = at('over') - at('end')
    const most = 4 * latencyMs + 10 + delayOf(script.steps)
    return tookMs > most && `it answered the Close frame at once, and its end took ${tookMs} ms`
  },

  /** Who sends pings, and pongs to no ping, without end is closed (RFC 6455 §5.5.2 has to be answered). */
  controlFrames: ({ client, calm }, { bounds, script }) => {
    const { maxControlFramesPer10s = 100, bufferBytes } = bounds
    if (!calm?.isOpen || !calm.isQuiet || calm.isBusy || client.hasClosed) return undefined
    const times = unaskedControls(client).map(({ atMs }) => atMs)
    const floods = client.out.flatMap(({ item }) =>
      item.kind === 'breach' ? Number(/^(\d+) pings/.exec(item.detail)?.[1] ?? 0) : [],
    )
    const largest = Math.max(0, ...floods)
    // Where little fits on the way, and the machine sleeps meanwhile, they do not come at once.
    const isTornApart = bufferBytes !== undefined && delayOf(script.steps) >= 10_000
    if (largest > maxControlFramesPer10s && !isTornApart)
      return `${largest} pings at once, and it is still open`
    // Counted in stretches of ten seconds, wherever they begin.
    const most = 2 * maxControlFramesPer10s
    const isFlood = times.some((atMs, index) => (times[index - most] ?? -Infinity) > atMs - 10_000)
    return isFlood && `more than ${most} pings and unasked pongs within 10 s, and it is still open`
  },

  /** Who vanished is found out (I-35). */
  halfOpen: (life, { bounds, script }, server) => {
    const { client, calm } = life
    const { pingIntervalMs = 30_000, pingTimeoutMs = 10_000 } = bounds
    // One that has come back over another connection is there.
    if (client.answersPings) return undefined
    // In the five seconds of the calm.
    const waitMs = 2 * pingIntervalMs + pingTimeoutMs + delayOf(script.steps)
    const isTime = pingTimeoutMs > 0 && waitMs < 4_500
    // Then the last connection of that number may be another than the one that has vanished.
    if (script.steps.some(({ does }) => ['duplicate', 'abort', 'crash'].includes(does)))
      return false
    if (!isTime || !calm?.isOpen || calm.isBusy) return undefined
    const mine = script.steps.filter((step) => step.client === client.number)
    const last = server.lives.findLast((one) => one.client.number === client.number) === life
    const since = mine.findLastIndex((step) => step.does === 'connect')
    const vanished = mine.slice(since).some((step) => step.does === 'vanish')
    const resumed = mine
      .slice(since)
      .some((step) => step.does === 'resume' || step.does === 'delay')
    return last && vanished && !resumed && 'it has vanished, and is still open'
  },

  /** Nobody waits for a handler for longer than was said. */
  deadlines: ({ client, calm }, { bounds, script }) => {
    const { handlerTimeoutMs = 0, openTimeoutMs, handshakeTimeoutMs } = bounds
    const { stallTimeoutMs = 30_000 } = bounds
    const lateMs = delayOf(script.steps)
    if (calm === undefined) return undefined
    if (handlerTimeoutMs > 0 && calm.isOpen && calm.busyForMs > handlerTimeoutMs + lateMs) {
      return `its handler has been busy for ${calm.busyForMs} ms`
    }
    if (calm.isOpen && client.path === '/completes') return 'its stream has completed'
    const isStalled = calm.isOpen && calm.stalledForMs > stallTimeoutMs + lateMs
    if (isStalled) return `it has taken nothing for ${calm.stalledForMs} ms, and is waited for`
    const isBounded = { '/neverOpens': openTimeoutMs, '/neverDecides': handshakeTimeoutMs }
    const boundMs = isBounded[client.path as '/neverOpens']
    // In the five seconds of the calm.
    const isLate = calm.state === 'connecting' && boundMs !== undefined
    return isLate && boundMs + lateMs < 4_500 && 'it is still connecting'
  },

  /** The journal has the life, from its beginning to its end, and folds to the same record (I-14). */
  journal: async ({ connection, hasCrashed, records: [record] }, { script }, server) => {
    if (connection === undefined || (record === undefined && !hasCrashed)) return undefined
    // A journal in memory ends with its process, and what a disk refuses is not there.
    const isLost = server.disk === undefined ? 'crash' : 'disk'
    if (script.steps.some(({ does }) => does === isLost)) return undefined
    const events = await server.runtime.journal.life(connection.id)
    const crashed = script.steps.some(({ does }) => does === 'crash')
    if (crashed && events.length === 0) return undefined
    const types = events.map(({ type }) => type)
    const began =
      types.filter((type) => type === 'ConnectionStarted').length === 1 &&
      types[0] === 'ConnectionStarted'
    const ended = types.indexOf('ConnectionClosed') === types.length - 1
    if (!began || !ended) return `its journal is ${types.join(' ')}`
    if (events.some(({ version }, index) => version !== index + 1)) return 'its journal has holes'
    // What the process did not live to write is inferred by the next one.
    const last = events.at(-1)
    const isInferred = last?.type === 'ConnectionClosed' && last.data.inferred === true
    if (isInferred) {
      return !crashed && 'its end was inferred, and no process died'
    }
    if (hasCrashed) return 'its process died, and its end was not inferred'
    const folded = fold(events)?.context.record
    const same = JSON.stringify(folded) === JSON.stringify(record)
    return !same && `its journal folds to ${JSON.stringify(folded)}, not ${JSON.stringify(record)}`
  },
}

/** Of what it said the pings, and the pongs that answer none of the pings that it got, each once. */
function unaskedControls({ out, wire }: Life['client']) {
  const pings = wire.flatMap(({ atMs, item }) =>
    item.kind === 'ping' ? [{ atMs, data: hex(item.data) }] : [],
  )
  return out.filter(({ atMs, item }) => {
    if (item.kind !== 'pong') return item.kind === 'ping'
    const data = hex(item.data)
    const asked = pings.findIndex((ping) => ping.data === data && ping.atMs <= atMs)
    if (asked >= 0) pings.splice(asked, 1)
    return asked < 0
  })
}

function isSame(one: { code: number; reason: string }, other: { code: number; reason: string }) {
  return one.code === other.code && one.reason === other.reason
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
