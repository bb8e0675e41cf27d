// Arbitraries: scripts of what clients do and what befalls them, for fast-check to make up and to shrink.
//
//   fc.asyncProperty(scripts('/chat'), async (script) => { … await server.run(script); laws.all(server) })
//
// Nothing else of the kit needs fast-check.

import fc from 'fast-check'
import { SettingError, show } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import { checkNames } from '../protocol/setting-names.ts'
import { assemble } from './assemble.ts'
import { encodeFrame, type Frame, OPCODES } from './frame-codec.ts'
import type { ClientAct, PlainAct, Script, ServerAct } from './script.ts'
import {
  bytes,
  closeCodes,
  illegalCloseCodes,
  malformedFrames,
  messages,
  reasons,
  SIMPLEST_FIRST,
} from './wire-arbitraries.ts'

export {
  closeCodes,
  frames,
  headers,
  illegalCloseCodes,
  malformedFrames,
  messages,
  reasons,
} from './wire-arbitraries.ts'

/** What may go wrong in a script, by name. */
export const FAULTS = [
  'delay',
  'trickle',
  'cut',
  'cutInFrame',
  'reset',
  'resetInFrame',
  'stall',
  'vanish',
  'rude',
  'malformed',
  'illegalClose',
  'fragments',
  'pingFlood',
  'throw',
  'freeze',
  'stepWall',
  'drain',
  'reject',
  'slowWriter',
  'gather',
  'narrow',
  'brokenPipe',
  'hangUp',
  'blackOut',
  'cutWhenIdle',
  'duplicate',
  'abort',
  'closeRace',
  'lateData',
  'fragmentFlood',
  'suspend',
  'lateTimers',
] as const

/** Faults for what is durable: routes then have to be made anew for each process, as by a function given to `harness`. */
export const PROCESS_FAULTS = ['crash', 'disk'] as const

/** What may befall a client, the network or the process. */
export type Fault = (typeof FAULTS)[number] | (typeof PROCESS_FAULTS)[number]

/** What `scripts()` makes up. */
export interface ScriptOptions {
  /** Default 3. */
  readonly clients?: number
  /** The most steps; default 20. */
  readonly steps?: number
  /** Default: `FAULTS` but for `drain`, after which nothing much happens. */
  readonly faults?: readonly Fault[]
  /** What clients say, or publish, as text then; default `messages`, and short texts to topics. */
  readonly messages?: fc.Arbitrary<Message>
  /**
   * Topics that the clients follow and publish to, some of them with the client of `windsock/client`; the paths then lead
   * to `topics()`. Default none.
   */
  readonly topics?: readonly string[]
  /** What clients add to their requests; default nothing. */
  readonly headers?: fc.Arbitrary<Readonly<Record<string, string>>>
  /** The longest wait before a step, in ms; default 400. */
  readonly longestWaitMs?: number
}

const KEY = Uint8Array.of(1, 2, 3, 4)
const plain = (...acts: PlainAct[]): fc.Arbitrary<ClientAct> =>
  fc.constantFrom(...acts.map((does) => ({ does })))
const someBytes = (what: string, made: readonly Frame[]): ClientAct => ({
  does: 'bytes',
  what,
  bytes: new Uint8Array(Buffer.concat(made.map((frame) => encodeFrame(frame, KEY)))),
})

/** Messages more often than the rest: a handler that fails late has little left to fail in. */
function failing(does: 'throw' | 'reject'): fc.Arbitrary<ClientAct> {
  return fc
    .constantFrom(
      'message' as const,
      'message' as const,
      ...(['ping', 'pong', 'end', 'close'] as const),
    )
    .map((hook) => ({ does, hook }))
}

/** No fault of the client's, and yet what servers stumble over. */
const pieces = fc
  .tuple(messages, fc.nat(30))
  .map(([message, cut]) => ({ does: 'sendInPieces' as const, message, cut }))

const CLIENT_FAULTS: Partial<Record<Fault, fc.Arbitrary<ClientAct>>> = {
  delay: fc
    .integer({ min: 0, max: 2_000 })
    .map((latencyMs) => ({ does: 'delay' as const, latencyMs })),
  trickle: fc
    .integer({ min: 1, max: 20 })
    .map((readBytes) => ({ does: 'trickle' as const, readBytes })),
  cut: plain('cut'),
  cutInFrame: plain('cutInFrame'),
  reset: plain('reset'),
  resetInFrame: plain('resetInFrame'),
  stall: plain('stall', 'stall', 'resume'),
  vanish: plain('vanish'),
  rude: plain('ignorePings', 'ignoreClose'),
  malformed: malformedFrames.map(({ what, frame }) => someBytes(what, [frame])),
  illegalClose: illegalCloseCodes.map((code) =>
    someBytes(`close ${code}, which may not travel`, [
      { opcode: OPCODES.close, payload: Uint8Array.of(code >> 8, code & 255) },
    ]),
  ),
  fragments: pieces,
  pingFlood: fc.integer({ min: 101, max: 130 }).map((count) =>
    someBytes(
      `${count} pings at once`,
      Array.from({ length: count }, () => ({ opcode: OPCODES.ping, payload: new Uint8Array() })),
    ),
  ),
  throw: failing('throw'),
  reject: failing('reject'),
  slowWriter: fc.record({
    does: fc.constant('writeSlowly' as const),
    readBytes: fc.integer({ min: 1, max: 30 }),
    everyMs: fc.integer({ min: 1, max: 40 }),
  }),
  gather: fc.integer({ min: 2, max: 300 }).map((everyMs) => ({ does: 'gather' as const, everyMs })),
  narrow: fc
    .integer({ min: 1, max: 900 })
    .map((bufferBytes) => ({ does: 'narrow' as const, bufferBytes })),
  brokenPipe: plain('breakPipe'),
  hangUp: plain('hangUp'),
  blackOut: fc.integer({ min: 1, max: 2_000 }).map((ms) => ({ does: 'blackOut' as const, ms })),
  cutWhenIdle: fc
    .integer({ min: 20, max: 3_000 })
    .map((ms) => ({ does: 'cutWhenIdle' as const, ms })),
  duplicate: plain('duplicate'),
  closeRace: plain('closeRace'),
  lateData: plain('lateData'),
  // No UTF-8, so that nothing that comes behind makes a message of them.
  fragmentFlood: fc.integer({ min: 1, max: 3 }).map((thousands) =>
    someBytes(`${thousands}000 fragments of one byte`, [
      { fin: false, opcode: OPCODES.text, payload: Uint8Array.of(0xff) },
      ...Array.from({ length: thousands * 1_000 }, () => ({
        fin: false,
        opcode: OPCODES.continuation,
        payload: Uint8Array.of(0xff),
      })),
    ]),
  ),
}

const SERVER_FAULTS: Partial<Record<Fault, fc.Arbitrary<ServerAct>>> = {
  freeze: fc
    .integer({ min: 1, max: 60_000 })
    .map((ms) => ({ does: 'freeze' as const, ms: Math.ceil(ms / 10) })),
  stepWall: fc
    .integer({ min: -100_000, max: 100_000 })
    .map((ms) => ({ does: 'stepWall' as const, ms })),
  suspend: fc
    .integer({ min: 1, max: 480 })
    .map((minutes) => ({ does: 'suspend' as const, ms: minutes * 60_000 })),
  lateTimers: fc.integer({ min: 0, max: 300 }).map((ms) => ({ does: 'lateTimers' as const, ms })),
  crash: fc.record({
    does: fc.constant('crash' as const),
    awayMs: fc.nat(2_000),
    keepsInterrupted: fc.boolean(),
  }),
  disk: fc.oneof(
    fc
      .constantFrom('full' as const, 'read-only' as const, 'failing' as const, 'fine' as const)
      .map((condition) => ({ does: 'disk' as const, condition })),
    fc.integer({ min: 0, max: 200 }).map((ms) => ({ does: 'slowDisk' as const, ms })),
  ),
  drain: fc
    .constantFrom(1001 as const, 1012 as const)
    .map((code) => ({ does: 'drain' as const, code })),
}

const NAMES = Object.keys({
  clients: true,
  steps: true,
  faults: true,
  messages: true,
  topics: true,
  headers: true,
  longestWaitMs: true,
} satisfies Record<keyof ScriptOptions, true>)

const USUAL_FAULTS = FAULTS.filter((fault) => fault !== 'drain')

/**
 * What clients do at `paths`, and what befalls them: each connects before anything else, and may come back.
 *
 * Shrinks to fewer steps, closer together, of simpler messages.
 *
 * @throws SettingError for an option, or a fault, that is none.
 */
export function scripts(
  paths: string | readonly string[],
  options: ScriptOptions = {},
): fc.Arbitrary<Script> {
  checkNames(options, NAMES)
  const { clients = 3, steps = 20, faults = USUAL_FAULTS, longestWaitMs = 400 } = options
  const known: readonly string[] = [...FAULTS, ...PROCESS_FAULTS]
  const unknown = faults.find((fault) => !known.includes(fault))
  if (unknown !== undefined) {
    throw new SettingError(`there is no fault ${show(unknown)}; known are ${known.join(', ')}`)
  }
  const wait = fc.oneof(
    { weight: 3, arbitrary: fc.nat(5) },
    { weight: 3, arbitrary: fc.nat(Math.min(60, longestWaitMs)) },
    { weight: 1, arbitrary: fc.nat(longestWaitMs) },
  )
  const list = typeof paths === 'string' ? [paths] : paths
  const drawn = fc.array(
    fc.record({ waitMs: wait, client: fc.integer({ min: 1, max: clients }), act: anyAct(list) }),
    { minLength: 1, maxLength: steps, size: 'max' },
  )
  const { topics } = options
  if (topics === undefined) return drawn.map((made) => assemble(made, list))
  const isReal = fc.constantFrom(false, false, true)
  const real = fc.array(isReal, { minLength: clients, maxLength: clients })
  return fc
    .tuple(drawn, real)
    .map(([made, by]) =>
      assemble(made, list, (client) =>
        by[client - 1] ? { follows: topics, by: 'client' } : { follows: topics },
      ),
    )

  function anyAct(where: readonly string[]): fc.Arbitrary<ClientAct | ServerAct> {
    const kind: fc.Arbitrary<ClientAct> =
      options.topics === undefined
        ? (options.messages ?? messages).map((message) => ({ does: 'send' as const, message }))
        : fc
            .tuple(
              fc.constantFrom(...options.topics),
              options.messages?.map(String) ?? fc.string({ maxLength: 12 }),
            )
            .map(([topic, data]) => ({ does: 'publish' as const, topic, data }))
    const path = fc.constantFrom(...where)
    const plainly = path.map((where) => ({ does: 'connect' as const, path: where }))
    const connect =
      options.headers === undefined
        ? plainly
        : fc
            .tuple(plainly, options.headers)
            .map(([act, headers]) => (Object.keys(headers).length > 0 ? { ...act, headers } : act))
    const abort = path.map((where) => ({ does: 'abort' as const, path: where }))
    const close = fc.tuple(closeCodes, reasons).map(([code, reason]) => ({
      does: 'close' as const,
      code,
      // 1005 stands for a frame without a body.
      reason: code === 1005 ? '' : reason,
    }))
    const control = fc
      .tuple(fc.constantFrom('ping' as const, 'pong' as const), bytes(4))
      .map(([does, data]) => ({ does, data }))
    const wrong = faults.flatMap((fault): fc.Arbitrary<ClientAct | ServerAct>[] => {
      const act = fault === 'abort' ? abort : (CLIENT_FAULTS[fault] ?? SERVER_FAULTS[fault])
      return act === undefined ? [] : [act]
    })
    return fc.oneof(
      SIMPLEST_FIRST,
      { weight: 12, arbitrary: kind },
      { weight: 2, arbitrary: connect },
      { weight: 2, arbitrary: close },
      { weight: 1, arbitrary: control },
      ...(wrong.length > 0 ? [{ weight: 5, arbitrary: fc.oneof(...wrong) }] : []),
    )
  }
}
