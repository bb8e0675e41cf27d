// Play: runs a script against the real runtime, in memory and in virtual time, and keeps all that was seen.

import { HandshakeError, type Journal, type Route, route } from 'windsock'
import { type Harness, harness, type Peer } from 'windsock/testing'
import type { LiveConnection } from '../../../src/connection.ts'
import type { Connection } from '../../../src/handlers/handler.ts'
import type { CloseRecord } from '../../../src/protocol/close-record.ts'
import { Diary, handlerForm } from './behaviour.ts'
import type { Move, PlainMove, Script, Who } from './script.ts'

/** What a peer did, when. */
export interface Deed {
  readonly atMs: number
  readonly move: Move
  /** What a `text` or `bytes` carried, as text; the payload of a ping or pong. */
  readonly text: string
}

/** One connection, from both ends. */
export class Life {
  readonly who: number
  readonly peer: Peer
  readonly diary: Diary
  readonly dialledAtMs: number
  readonly deeds: Deed[] = []
  readonly records: CloseRecord[] = []
  /** Whether the request became a connection; else it was turned away. */
  readonly id: string | undefined
  readonly live: Connection | undefined
  endedAtMs = Number.NaN
  #answered = false

  constructor(
    who: number,
    peer: Peer,
    diary: Diary,
    live: Connection | undefined,
    id: string | undefined,
  ) {
    this.who = who
    this.peer = peer
    this.diary = diary
    this.live = live
    this.id = id
    this.dialledAtMs = diary.clock.nowMs()
  }

  /** The one record; laws other than I-1 take it for granted. */
  get record(): CloseRecord {
    return this.records[0] as CloseRecord
  }

  /** Whether the peer has answered our Close frame. */
  get hasAnswered(): boolean {
    this.#answered ||= this.peer.answersClose && this.peer.closeFrames.length > 0
    return this.#answered
  }

  did(...kinds: Move['do'][]): Deed[] {
    return this.deeds.filter(({ move }) => kinds.includes(move.do))
  }

  /** When a Close frame of ours came to the peer. */
  get closeSeenAtMs(): number | undefined {
    return this.peer.wire.find(({ item }) => item.kind === 'close')?.atMs
  }

  /** What the handler was given, as texts. */
  get delivered(): string[] {
    return this.diary.of('message').map(({ message }) => plain(message))
  }

  /** What the peer sent before it closed, as texts. */
  get spoken(): string[] {
    return this.did('text', 'bytes').map(({ text }) => text)
  }
}

/** Everything that is known of one run. */
export interface Run {
  readonly script: Script
  readonly harness: Harness
  readonly lives: readonly Life[]
  /** Upgrade requests sent. */
  readonly dials: number
  /** When the drain at the end began. */
  readonly drainedAtMs: number
  /** Timers left when everything was over and the user code's own had run out. */
  readonly timersLeft: number
}

export interface PlayOptions {
  readonly routes?: (script: Script, diaryOf: (connection: Connection) => Diary) => readonly Route[]
  /** Default: one of the harness's own. */
  readonly journal?: Journal
  /** Called when the harness is made, before anything happens. */
  readonly begin?: (harness: Harness) => void
  /** Called after each move, everything due having happened. */
  readonly afterMove?: (lives: readonly Life[], harness: Harness, dials: number) => void
}

/** No delay of a script's user code is longer. */
export const LONGEST_USER_DELAY_MS = 300

export async function play(script: Script, options: PlayOptions = {}): Promise<Run> {
  const lives: Life[] = []
  const byId = new Map<string, Life>()
  let dials = 0
  // `open` may run before the harness has told us the connection: its diary then waits here.
  const early = new Map<string, Diary>()
  const diaryOf = (connection: Connection) => {
    const diary = byId.get(connection.id)?.diary ?? early.get(connection.id) ?? new Diary(h.clock)
    early.set(connection.id, diary)
    return diary
  }
  const routes = options.routes?.(script, diaryOf) ?? scriptRoutes(script, diaryOf)
  const h = harness(routes, {
    ...script.settings,
    ...preparation(script, () => h),
    ...(options.journal !== undefined && { journal: options.journal }),
  })
  options.begin?.(h)
  // A life may be over, its deadlines broken, before the request has been taken.
  let isDialling = false
  let stillborn: CloseRecord | undefined
  h.runtime.closed$.subscribe((record) => {
    const life = byId.get(record.connectionId)
    if (life !== undefined) take(life, record)
    else if (isDialling && stillborn === undefined) stillborn = record
    else throw new Error('a record of a connection that nobody dialled')
  })
  const take = (life: Life, record: CloseRecord) => {
    life.endedAtMs = h.clock.nowMs()
    life.records.push(record)
    life.diary.note({ what: 'record', record })
  }

  const dial = (who: number): Life => {
    const before = h.runtime.counts.accepted
    dials++
    isDialling = true
    const peer = h.dial(`/${who}`)
    isDialling = false
    const isNew = h.runtime.counts.accepted > before && stillborn === undefined
    const live = isNew ? [...h.runtime.connections.values()].at(-1) : undefined
    const id = live?.id ?? stillborn?.connectionId
    const diary = (id !== undefined && early.get(id)) || new Diary(h.clock)
    const life = new Life(who, peer, diary, live, id)
    if (id !== undefined) byId.set(id, life)
    if (stillborn !== undefined) take(life, stillborn)
    stillborn = undefined
    lives.push(life)
    return life
  }
  const lifeOf = (who: Who) => lives.findLast((life) => life.who === who) ?? dial(who)

  for (const move of script.moves) {
    if (move.do === 'dial') dial(move.who)
    else if ('who' in move) act(lifeOf(move.who), move, h)
    else await general(move, h)
    await h.settle()
    options.afterMove?.(lives, h, dials)
  }

  const { closeTimeoutMs, latencyMs } = script.settings
  const drainedAtMs = h.clock.nowMs()
  let drained = false
  void h.runtime.drain({ code: 1001, reason: '' }).then(() => {
    drained = true
  })
  await h.advance(closeTimeoutMs + 1)
  if (!drained) throw new Error('a drain did not end within closeTimeoutMs')
  await h.advance(LONGEST_USER_DELAY_MS + latencyMs)
  options.afterMove?.(lives, h, dials)
  return { script, harness: h, lives, dials, drainedAtMs, timersLeft: h.clock.timerCount }
}

function scriptRoutes(script: Script, diaryOf: (connection: Connection) => Diary): Route[] {
  return [0, 1, 2, 3].map((who) => route(`/${who}`, handlerForm(script.handlerOf(who), diaryOf)))
}

function preparation({ preparation: does }: Script, h: () => Harness) {
  if (does === 'nothing') return {}
  const prepare = (): Promise<void> | void => {
    if (does === 'throws') throw new Error('as the script says')
    if (does === 'refuses') throw new HandshakeError(403, 'as the script says')
    return new Promise((resolve) => {
      if (does !== 'hangs') h().clock.setTimeout(resolve, does)
    })
  }
  return { prepare }
}

async function general(move: Move, h: Harness): Promise<void> {
  if (move.do === 'wait') await h.advance(move.ms)
  else if (move.do === 'freeze') h.clock.stall(move.ms)
  else if (move.do === 'stepWall') h.clock.stepWall(move.ms)
  else if (move.do === 'drain') void h.runtime.drain({ code: move.code, reason: '' })
}

function act(life: Life, move: Move & { who: Who }, h: Harness): void {
  const { peer } = life
  const note = (text = '') => life.deeds.push({ atMs: h.clock.nowMs(), move, text })
  // Before the upgrade is answered there is a socket, but no link yet: it can end, and nothing else.
  if (peer.status !== 101) {
    if (peer.status === undefined && (move.do === 'cut' || move.do === 'reset')) {
      note()
      ;(life.live as LiveConnection | undefined)?.socketGone()
    }
    return
  }
  // Asked before each move, as a peer may lose its manners by it. After its Close frame it says nothing.
  const answered = life.hasAnswered
  switch (move.do) {
    case 'text':
    case 'bytes': {
      if (life.did('close').length > 0 || answered) return
      const text = `${move.do[0]}${life.spoken.length}`.padEnd(move.size, '.')
      note(text)
      return peer.send(move.do === 'text' ? text : new TextEncoder().encode(text))
    }
    case 'close':
      if (life.did('close').length > 0 || answered) return
      note()
      return peer.close(move.code, move.reason)
    default:
      return plainAct(life, move.do as PlainMove, note)
  }
}

function plainAct(life: Life, move: PlainMove, note: (text?: string) => void): void {
  const { peer } = life
  switch (move) {
    case 'ping':
    case 'pong': {
      const text = `${move}${life.did(move).length}`
      note(text)
      return peer[move](new TextEncoder().encode(text))
    }
    case 'deaf':
      note()
      peer.answersPings = false
      return
    case 'rude':
      note()
      peer.answersClose = false
      return
    case 'dial':
      return
    default:
      note()
      return peer[move]()
  }
}

export function plain(message: string | Uint8Array): string {
  return typeof message === 'string' ? message : new TextDecoder().decode(message)
}
