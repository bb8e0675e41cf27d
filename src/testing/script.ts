// Script: what clients, their networks and the process do, step by step, as plain data.
//
// A property is judged on hundreds of these, and the one that fails is read by a person. So a script prints itself, a
// line a step:
//
//   00:00.000 client 1 connects to /chat
//   00:00.120 client 2 sends close 4001 "bye"

import { SettingError, show } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import { printed } from './print.ts'
import type { DiskCondition } from './simulated-disk.ts'

/** What a client, or its network, does. */
export type ClientAct =
  /** With `follows`, over `windsock.v1.json`: it takes each of these topics on from where it was. */
  | {
      readonly does: 'connect'
      readonly path: string
      readonly follows?: readonly string[]
      /**
       * It follows them with the client of `windsock/client`, which comes back by itself: to connect again is then a
       * `retry()`, or a new client after the last one has ended. Counts the first time that a client connects.
       */
      readonly by?: 'client'
      /** Of its request, beside those that a handshake needs. */
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly does: 'send'; readonly message: Message }
  /** In two frames, with a ping between them. */
  | { readonly does: 'sendInPieces'; readonly message: Message; readonly cut: number }
  | { readonly does: 'ping' | 'pong'; readonly data: Uint8Array }
  | { readonly does: 'close'; readonly code: number; readonly reason: string }
  /** Bytes that break the rules; `what` says which. */
  | { readonly does: 'bytes'; readonly bytes: Uint8Array; readonly what: string }
  | { readonly does: 'delay'; readonly latencyMs: number }
  | { readonly does: 'trickle'; readonly readBytes: number }
  | { readonly does: 'writeSlowly'; readonly readBytes: number; readonly everyMs: number }
  | { readonly does: 'gather'; readonly everyMs: number }
  | { readonly does: 'narrow'; readonly bufferBytes: number }
  | { readonly does: 'blackOut'; readonly ms: number }
  | { readonly does: 'cutWhenIdle'; readonly ms: number }
  /** Asks for a connection, and is gone before the answer can have come. */
  | { readonly does: 'abort'; readonly path: string }
  /** Its handler fails the next time it is told of this; default: of a message. */
  | { readonly does: 'throw' | 'reject'; readonly hook?: FailingHook }
  /** To a topic, over `windsock.v1.json`. */
  | { readonly does: 'publish'; readonly topic: string; readonly data: string }
  | { readonly does: PlainAct }

/** The hooks of a handler that a script may have fail. */
export type FailingHook = 'message' | 'ping' | 'pong' | 'end' | 'close'

/** What needs no more words. */
export type PlainAct =
  | 'cut'
  | 'cutInFrame'
  | 'reset'
  | 'resetInFrame'
  | 'stall'
  | 'resume'
  | 'vanish'
  | 'ignorePings'
  | 'ignoreClose'
  | 'breakPipe'
  | 'hangUp'
  /** A second connection of the same client, which nobody uses. */
  | 'duplicate'
  /** Its handler and it close in the same moment. */
  | 'closeRace'
  | 'lateData'

/** What happens to all at once. */
export type ServerAct =
  | { readonly does: 'freeze'; readonly ms: number }
  | { readonly does: 'stepWall'; readonly ms: number }
  /** The machine sleeps: as `freeze`, for hours. */
  | { readonly does: 'suspend'; readonly ms: number }
  | { readonly does: 'lateTimers'; readonly ms: number }
  | { readonly does: 'drain'; readonly code: 1001 | 1012 }
  /** The process dies, and another begins; who was connected comes back then. */
  | {
      readonly does: 'crash'
      readonly awayMs: number
      /** Whether the write that the crash interrupts is on the disk. */
      readonly keepsInterrupted: boolean
    }
  /** From now on; without a disk nothing. */
  | { readonly does: 'disk'; readonly condition: DiskCondition }
  | { readonly does: 'slowDisk'; readonly ms: number }

/** One step; clients are counted from 1. */
export type Step = { readonly atMs: number } & (
  | (ClientAct & { readonly client: number })
  | (ServerAct & { readonly client?: undefined })
)

/** Steps that `harness.run()` plays, as plain data; printed, it is a line a step. */
export class Script {
  /** In the order of their times. */
  readonly steps: readonly Step[]

  /**
   * @throws SettingError for what is no list, for a step that does what nobody knows, which would do nothing, and for one
   *   that leaves out what it needs.
   */
  constructor(steps: readonly Step[]) {
    if (!Array.isArray(steps)) {
      throw new SettingError(
        `a script is ${show(steps)}: it must be an array of steps, as in new Script([{ atMs: 0, client: 1, does: 'connect', path: '/' }])`,
      )
    }
    for (const [index, step] of (steps as readonly Step[]).entries()) checkStep(index, step)
    this.steps = steps
  }

  toString(): string {
    return this.steps.map((step) => `${timeOf(step.atMs)} ${tell(step)}`).join('\n')
  }

  // The name under which fast-check looks for how to print a value; it need not be here for that.
  [Symbol.for('fast-check/toStringMethod')](): string {
    return `\n${this.toString()}\n`
  }
}

function checkStep(index: number, step: Step): void {
  const needs = Object.hasOwn(NEEDS, String(step?.does)) ? NEEDS[step.does] : undefined
  if (needs === undefined) {
    throw new SettingError(
      `step ${index} of a script does ${show(step?.does)}; known are ${Object.keys(NEEDS).join(', ')}`,
    )
  }
  const missing = ['atMs', ...needs].filter((name) => !(name in step))
  if (missing.length === 0) return
  throw new SettingError(
    `step ${index} of a script, ${step.does}, does not say ${missing.join(', ')}: it needs atMs, ${needs.join(', ')}`,
  )
}

/** A moment of a run: minutes, seconds and milliseconds. */
export function timeOf(atMs: number): string {
  const ms = Math.floor(atMs)
  const pad = (value: number, width: number) => String(value).padStart(width, '0')
  return `${pad(Math.floor(ms / 60_000), 2)}:${pad(Math.floor(ms / 1_000) % 60, 2)}.${pad(ms % 1_000, 3)}`
}

function tell(step: Step): string {
  if (step.client === undefined) return tellServer(step)
  const who = `client ${step.client}`
  switch (step.does) {
    case 'connect':
      return `${who} connects to ${step.path}${step.by ? ' with windsock/client' : ''}${step.follows ? ` and follows ${step.follows.join(', ')}` : ''}${step.headers ? ` with ${JSON.stringify(step.headers)}` : ''}`
    case 'send':
      return `${who} sends ${printed(step.message)}`
    case 'sendInPieces':
      return `${who} sends ${printed(step.message)} in pieces, cut after ${step.cut} bytes, a ping between them`
    case 'ping':
    case 'pong':
      return `${who} sends ${step.does} ${printed(step.data)}`
    case 'close':
      return `${who} sends close ${step.code}${step.reason && ` ${printed(step.reason)}`}`
    case 'bytes':
      return `${who} sends ${step.what}: ${printed(step.bytes)}`
    case 'delay':
      return `${who} is ${step.latencyMs} ms away from now on`
    case 'trickle':
      return `${who} is read in pieces of ${step.readBytes} bytes from now on`
    case 'writeSlowly':
      return `${who} is a slow writer from now on: ${step.readBytes} bytes each ${step.everyMs} ms`
    case 'gather':
      return `${who} is heard each ${step.everyMs} ms from now on, all at once`
    case 'narrow':
      return `the network of ${who} takes ${step.bufferBytes} bytes at a time from now on`
    case 'blackOut':
      return `nothing comes to ${who} or from it for ${step.ms} ms`
    case 'cutWhenIdle':
      return `${who} is cut off as soon as nothing has passed for ${step.ms} ms`
    case 'abort':
      return `${who} connects to ${step.path} and is gone`
    case 'throw':
      return `${who}'s handler throws at its next ${step.hook ?? 'message'}`
    case 'reject':
      return `${who}'s handler rejects its next ${step.hook ?? 'message'}`
    case 'publish':
      return `${who} publishes ${printed(step.data)} to ${step.topic}`
    default:
      return PLAIN_WORDS[step.does].replace('client', who)
  }
}

function tellServer(step: Step & ServerAct): string {
  switch (step.does) {
    case 'drain':
      return `the server is drained with ${step.code}`
    case 'freeze':
      return `the process stands still for ${step.ms} ms`
    case 'stepWall':
      return `the wall clock is set by ${step.ms} ms`
    case 'suspend':
      return `the machine sleeps for ${step.ms} ms`
    case 'lateTimers':
      return `timers are ${step.ms} ms late from now on`
    case 'crash':
      return `the process dies, and another begins ${step.awayMs} ms later${step.keepsInterrupted ? '; a write under way is kept' : ''}`
    case 'disk':
      return `the disk is ${step.condition} from now on`
    case 'slowDisk':
      return `each write to the disk takes ${step.ms} ms from now on`
  }
}

const PLAIN_WORDS: Readonly<Record<PlainAct, string>> = {
  cut: 'client ends its connection without a Close frame',
  cutInFrame: 'client ends its connection in the middle of a frame',
  reset: 'client resets its connection',
  resetInFrame: 'client resets its connection in the middle of a frame',
  stall: 'client stops reading',
  resume: 'client reads on',
  vanish: 'client vanishes: it reads and answers nothing any more',
  ignorePings: 'client answers no ping from now on',
  ignoreClose: 'client answers no Close frame from now on',
  breakPipe: 'whatever the server writes next to client fails with EPIPE',
  hangUp: 'client ends its connection both ways without a Close frame',
  duplicate: 'client connects once more, and leaves that connection to itself',
  closeRace: 'client and its handler close in the same moment',
  lateData: 'client sends a Close frame, and a message behind it',
}

/** What a step that does this has to say, beside when. */
const ACTS: Readonly<Record<Exclude<Step['does'], PlainAct>, readonly string[]>> = {
  connect: ['client', 'path'],
  send: ['client', 'message'],
  sendInPieces: ['client', 'message', 'cut'],
  ping: ['client', 'data'],
  pong: ['client', 'data'],
  close: ['client', 'code', 'reason'],
  bytes: ['client', 'bytes', 'what'],
  delay: ['client', 'latencyMs'],
  trickle: ['client', 'readBytes'],
  writeSlowly: ['client', 'readBytes', 'everyMs'],
  gather: ['client', 'everyMs'],
  narrow: ['client', 'bufferBytes'],
  blackOut: ['client', 'ms'],
  cutWhenIdle: ['client', 'ms'],
  abort: ['client', 'path'],
  throw: ['client'],
  reject: ['client'],
  publish: ['client', 'topic', 'data'],
  freeze: ['ms'],
  stepWall: ['ms'],
  suspend: ['ms'],
  lateTimers: ['ms'],
  drain: ['code'],
  crash: ['awayMs', 'keepsInterrupted'],
  disk: ['condition'],
  slowDisk: ['ms'],
}

/** The same of every step. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  ...ACTS,
  ...Object.fromEntries(Object.keys(PLAIN_WORDS).map((does) => [does, ['client']])),
}
