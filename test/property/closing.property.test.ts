// Laws of closing: every life ends once, says how, and ends on the wire as RFC 6455 §5.5.1 and §7 ask.
//
// The judge is the peer's wire log and the log of the test's own handler. A `Life` whose peer read and
// answered all the time is `kind`; only of such a one it is known what must have arrived.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import {
  anyScript,
  calmHandlers,
  closes,
  FORMS,
  goodbyes,
  handlers,
  hook,
  hooks,
  ILLEGAL_CODES,
  kindMove,
  LEGAL_CODES,
  movesOf,
  plainMoves,
  scripts,
  speech,
  waits,
  watcher,
  wideSettings,
} from './support/arbitraries.ts'
import { law } from './support/law.ts'
import type { Life, Run } from './support/play.ts'
import type { Script } from './support/script.ts'

const A = fc.constant(0 as const)

/** From RFC 6455 §7.4 and IANA's registry, not from our table. */
const MAY_TRAVEL = /^(?:100[0-37-9]|101[0-4]|[34][0-9]{3})$/

/** Handlers of every sort behind wide bounds, and a peer that reads and answers to the end. */
const kindScript = scripts({
  settings: wideSettings,
  handlers: handlers.map((one) => [one]),
  moves: movesOf(kindMove(A)),
})

const isOpened = (life: Life) => life.peer.status === 101
const isFrozen = ({ script }: Run) => script.moves.some((move) => move.do === 'freeze')
const everRead = (life: Life) => life.did('stall', 'vanish').length === 0
const kept = (life: Life) => life.did('cut', 'reset', 'breach', 'rude').length === 0

/** The Close frame that a peer sent: its own, or its answer to ours. */
function peersFrame(life: Life) {
  const move = life.did('close')[0]?.move
  if (move?.do === 'close') return { code: move.code, reason: move.reason }
  return life.hasAnswered ? life.peer.closeFrames[0] : undefined
}

describe('the one end of a connection', () => {
  law('every connection ends in exactly one close record (I-1)', anyScript, (run) => {
    const { harness, lives, dials } = run
    const connections = lives.filter(({ id }) => id !== undefined)
    expect(lives).toHaveLength(dials)
    expect(harness.records).toHaveLength(connections.length)
    for (const life of connections) {
      expect(life.records).toHaveLength(1)
      expect(life.record.connectionId).toBe(life.id)
      const told = life.diary.of('closed')
      expect(told).toHaveLength(life.diary.of('open').length)
      for (const { record } of told) expect(record).toBe(life.record)
    }
  })

  law('after its record a connection emits nothing any more (I-2)', anyScript, (run) => {
    for (const life of run.lives) {
      const { entries } = life.diary
      const after = entries.slice(entries.findIndex(({ what }) => what === 'record') + 1)
      // What user code does and throws on its own account is its own; only `state$` says its last word.
      const emitted = after.flatMap((entry) => {
        if (['opened', 'fails', 'closeCall', 'closed'].includes(entry.what)) return []
        if (entry.what === 'send') return entry.refused || isOfSource(run) ? [] : ['accepted']
        return entry.what === 'state' ? [entry.state] : [entry.what]
      })
      expect(emitted).toEqual(
        entries.some(({ what }) => what === 'open') ? ['closed', 'statesEnd'] : [],
      )
      if (!everRead(life) || isFrozen(run)) continue
      const last = life.peer.wire.at(-1)?.atMs ?? 0
      expect(last).toBeLessThanOrEqual(life.endedAtMs + run.script.settings.latencyMs)
    }
  })
})

// An iterable that is being pulled makes its next message before it can learn of the end.
const isOfSource = ({ script }: Run) => script.handlerOf(0).source.kind === 'iterable'

describe('close codes and reasons', () => {
  law('the record keeps three codes apart: sent, received, and told (I-3)', anyScript, (run) => {
    for (const life of run.lives) {
      const { sent, received, code, reason } = life.record
      const [seen] = life.peer.closeFrames
      if (seen !== undefined) expect(sent).toEqual(seen)
      if (received === null) expect([code, reason]).toEqual([1006, ''])
      else expect(received).toEqual(peersFrame(life))
      if (received !== null) expect([code, reason]).toEqual([received.code, received.reason])
    }
  })

  law(
    'a kind peer has every Close frame that the record tells of, and no other (I-3)',
    kindScript,
    (run) => {
      for (const life of run.lives.filter(isOpened)) {
        const { sent, received } = life.record
        expect(life.peer.closeFrames).toEqual([sent])
        expect(received).toEqual(peersFrame(life))
      }
    },
  )

  law(
    'no code that may not travel is ever on the wire (I-4)',
    scripts({
      handlers: fc.tuple(
        fc.record({
          form: fc.constantFrom(...FORMS),
          open: hooks(1),
          message: fc.array(closes, { maxLength: 2 }).map((acts) => hook({ acts })),
          close: hooks(1),
          source: fc.constant(watcher().source),
        }),
      ),
      moves: movesOf(fc.oneof(kindMove(A), speech(A), goodbyes(A, 6))),
    }),
    ({ lives }) => {
      let closed = false
      for (const life of lives) {
        for (const { code } of life.peer.closeFrames) {
          closed = true
          // 1005 stands for a frame without a body, which answers one without a body.
          if (code === 1005) expect(peersFrame(life)?.code).toBe(1005)
          else expect(String(code)).toMatch(MAY_TRAVEL)
        }
      }
      return closed
    },
  )

  law(
    'a breach or an illegal close code is answered with 1002, and is no clean close (I-5)',
    scripts({
      settings: wideSettings,
      handlers: calmHandlers.map((one) => [one]),
      moves: fc
        .tuple(
          movesOf(fc.oneof(speech(A), waits)),
          fc.oneof(
            plainMoves(A, 'breach'),
            fc.record({
              do: fc.constant('close' as const),
              who: A,
              code: fc.constantFrom(...ILLEGAL_CODES.filter((code) => code !== 1005)),
              reason: fc.constant(''),
            }),
          ),
        )
        .map(([moves, last]) => [...moves, last, { do: 'wait', ms: 50 }]),
    }),
    ({ lives }) => {
      for (const life of lives) {
        expect(life.peer.closeFrames.map(({ code }) => code)).toEqual([1002])
        const { cause, code, received, wasClean } = life.record
        expect({ cause, code, received, wasClean }).toEqual({
          cause: 'protocolError',
          code: 1006,
          received: null,
          wasClean: false,
        })
      }
    },
  )

  law(
    'a reason on the wire is whole UTF-8 of 123 bytes at most, and a longer one is refused (I-6)',
    scripts({
      settings: wideSettings,
      handlers: fc.tuple(
        fc.record({
          form: fc.constantFrom(...FORMS),
          open: fc.constant(hook({})),
          message: fc.array(closes, { minLength: 1, maxLength: 3 }).map((acts) => hook({ acts })),
          close: fc.constant(hook({})),
          source: fc.constant(watcher().source),
        }),
      ),
      moves: movesOf(fc.oneof(speech(A), waits), { minLength: 1 }),
    }),
    ({ lives }) => {
      let reasoned = false
      for (const life of lives) {
        for (const { reason } of life.peer.closeFrames) {
          expect(new TextEncoder().encode(reason).byteLength).toBeLessThanOrEqual(123)
          expect(reason).toBe(wellFormed(reason))
        }
        for (const { code, reason, threw } of life.diary.of('closeCall')) {
          if (!MAY_TRAVEL.test(String(code))) continue
          reasoned = true
          const fits = new TextEncoder().encode(reason).byteLength <= 123
          expect(threw).toBe(fits ? undefined : 'ERR_WINDSOCK_CLOSE_REASON')
        }
      }
      return reasoned
    },
  )
})

describe('the closing handshake', () => {
  law(
    'at most one Close frame goes out, and nothing but the end follows it (I-7)',
    anyScript,
    (run) => {
      for (const { peer } of run.lives) {
        const kinds = peer.wire.map(({ item }) => item.kind)
        const first = kinds.indexOf('close')
        if (first >= 0) expect(kinds.slice(first + 1).filter((kind) => kind !== 'end')).toEqual([])
        expect(kinds.filter((kind) => kind === 'end').length).toBeLessThanOrEqual(1)
      }
    },
  )

  law(
    'a received Close frame is answered before the link ends (I-8)',
    scripts({
      settings: wideSettings,
      handlers: handlers.map((one) => [one]),
      moves: fc
        .tuple(movesOf(kindMove(A)), goodbyes(A, 0))
        .map(([moves, goodbye]) => [...moves, goodbye, { do: 'wait', ms: 50 }]),
    }),
    ({ lives }) => {
      for (const { peer } of lives) {
        const kinds = peer.wire.map(({ item }) => item.kind)
        expect(kinds.slice(-2)).toEqual(['close', 'end'])
      }
    },
  )

  law(
    'Close frames that cross end as one clean close (I-9)',
    scripts({
      settings: wideSettings,
      handlers: fc
        .record({ form: fc.constantFrom(...FORMS), code: fc.constantFrom(...LEGAL_CODES) })
        .map(({ form, code }) => [
          {
            ...watcher(form),
            message: hook({ acts: [{ act: 'close', code, reason: '', loose: false }] }),
          },
        ]),
      moves: fc
        .tuple(fc.nat(45), goodbyes(A, 0))
        .map(([ms, goodbye]) => [
          { do: 'dial', who: 0 },
          { do: 'text', who: 0, size: 3 },
          { do: 'wait', ms },
          goodbye,
          { do: 'wait', ms: 60 },
        ]),
    }),
    ({ lives }) => {
      for (const life of lives) {
        expect(life.records).toHaveLength(1)
        expect(life.record.wasClean).toBe(true)
        expect(life.peer.closeFrames).toEqual([life.record.sent])
        expect(life.record.received).toEqual(peersFrame(life))
      }
      return lives.some((life) => life.did('close').length > 0 && life.record.cause === 'appClosed')
    },
  )

  law('a close is clean exactly when Close frames went both ways (I-9)', anyScript, (run) => {
    for (const life of run.lives) {
      const { sent, received, wasClean } = life.record
      expect(wasClean).toBe(sent !== null && received !== null)
      if (wasClean) expect(peersFrame(life)).toBeDefined()
      const inTime = run.script.settings.closeTimeoutMs > 3 * run.script.settings.latencyMs
      if (wasClean && inTime && !isFrozen(run) && everRead(life) && kept(life)) {
        expect(life.peer.closeFrames).toHaveLength(1)
      }
    }
  })

  law(
    'the link is gone within closeTimeoutMs of our Close frame, whatever the peer does (I-10)',
    anyScript,
    (run) => {
      if (isFrozen(run)) return false
      const { closeTimeoutMs } = run.script.settings
      for (const life of run.lives) {
        const closing = life.diary.of('state').find(({ state }) => state === 'closing')
        if (closing) expect(life.endedAtMs - closing.atMs).toBeLessThanOrEqual(closeTimeoutMs)
        // Seen by the peer, both came the same way; what is held for a busy handler does not keep the link.
        const seen = everRead(life) && life.closeSeenAtMs
        const end = life.peer.wire.find(({ item }) => item.kind === 'end')
        if (seen && end) expect(end.atMs - seen).toBeLessThanOrEqual(closeTimeoutMs)
        if (seen) expect(end).toBeDefined()
      }
      return true
    },
  )

  law(
    'close() does not throw for good arguments, and only its first call counts; bad ones change nothing (I-11)',
    scripts({
      settings: wideSettings,
      handlers: fc
        .record({
          form: fc.constantFrom(...FORMS),
          inOpen: fc.array(closes, { maxLength: 1 }),
          inMessage: fc.array(closes, { maxLength: 3 }),
          takes: fc.constantFrom('now' as const, 5),
        })
        .map(({ form, inOpen, inMessage, takes }) => [
          {
            ...watcher(form),
            open: hook({ acts: tamed(inOpen) }),
            message: hook({ acts: tamed(inMessage), takes, later: tamed(inMessage) }),
            close: hook({ acts: tamed(inMessage) }),
          },
        ]),
      moves: movesOf(fc.oneof(speech(A), waits), { minLength: 1 }),
    }),
    ({ lives }) => {
      let called = false
      for (const life of lives) {
        const calls = life.diary.of('closeCall')
        called ||= calls.length > 0
        for (const { code, reason, threw, before, after } of calls) {
          const good =
            MAY_TRAVEL.test(String(code)) && new TextEncoder().encode(reason).byteLength <= 123
          expect(threw === undefined).toBe(good)
          if (!good) expect(after).toBe(before)
          if (!good) expect(threw).toMatch(/^ERR_WINDSOCK_CLOSE_(CODE|REASON)$/)
        }
        const first = calls.find(({ threw }) => threw === undefined)
        const [frame] = life.peer.closeFrames
        if (first === undefined || !['connecting', 'open'].includes(first.before)) {
          expect(life.record.cause).toBe('draining')
        } else {
          expect(life.record.cause).toBe('appClosed')
          expect(frame).toEqual({ code: first.code, reason: wellFormed(first.reason) })
        }
        expect(life.peer.closeFrames).toHaveLength(1)
      }
      return called
    },
  )
})

/** As UTF-8 carries it: lone surrogates replaced. */
function wellFormed(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text))
}

function tamed(acts: readonly Script['handlers'][number]['open']['acts'][number][]) {
  return acts.map((act) => (act.act === 'close' ? { ...act, loose: false } : act))
}
