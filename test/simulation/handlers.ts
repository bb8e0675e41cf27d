// Handlers: the user code of the simulation, every form and every bad habit, each at a path of its own.

import { map, merge, mergeMap, Observable, take } from 'rxjs'
import {
  chatRoom,
  clockFeed,
  HandshakeError,
  type Message,
  route,
  topic,
  topics,
  WebSocketHandler,
} from 'windsock'
import type { HarnessEntry, HarnessProcess } from 'windsock/testing'
import { type AnyActorLogic, emit, setup } from 'xstate'

/** What a run's handlers share: they have no memory of another run. */
class Shared {
  readonly room = topic<string>('room')
  readonly #clock: HarnessProcess['clock']

  constructor({ clock }: HarnessProcess) {
    this.#clock = clock
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimeout(resolve, ms)
    })
  }

  /** `0`, `1`, `2` …, one each 25 ms. */
  readonly ticks$ = new Observable<string>((subscriber) => {
    const clock = this.#clock
    let count = 0
    let timer: unknown
    const tick = () => {
      timer = clock.setTimeout(tick, 25)
      subscriber.next(String(count++))
    }
    tick()
    return () => clock.clearTimeout(timer)
  })
}

function classes(shared: Shared) {
  return {
    Slow: class extends WebSocketHandler {
      override async onMessage(message: Message): Promise<void> {
        await shared.wait(70)
        await this.writeMessage(message, typeof message !== 'string')
      }
    },
    OpensLateAndSlow: class extends WebSocketHandler {
      override async open(): Promise<void> {
        await shared.wait(90)
      }
      override async onMessage(): Promise<void> {
        await shared.wait(600)
      }
    },
    Stuck: class extends WebSocketHandler {
      override onMessage(): Promise<void> {
        return new Promise(() => {})
      }
    },
    Rejects: class extends WebSocketHandler {
      override async onMessage(): Promise<void> {
        await shared.wait(5)
        throw new Error('as this handler does')
      }
    },
    Closes: class extends WebSocketHandler {
      #left = 2

      override onMessage(message: Message): void {
        void this.writeMessage(message, typeof message !== 'string').catch(() => {})
        if (--this.#left > 0) return
        this.close(4000, 'enough')
        void this.writeMessage('one more').catch(() => {})
      }
    },
    /** Hears pings and pongs, and so has hooks that a script may have fail. */
    Attentive: class extends WebSocketHandler {
      override onMessage(message: Message): void {
        this.ping('are you there')
        void this.writeMessage(message, typeof message !== 'string').catch(() => {})
      }
      override onPing(): void {}
      override onPong(): void {}
    },
    FailsAtSubprotocol: class extends WebSocketHandler {
      override selectSubprotocol(): never {
        throw new Error('as this handler does')
      }
    },
    LeavesLoudly: class extends WebSocketHandler {
      override onClose(): void {
        throw new Error('as this handler does')
      }
    },
  }
}

const machine = setup({
  types: {
    events: {} as { type: 'message'; data: Message },
    emitted: {} as { type: 'message'; data: Message },
  },
}).createMachine({
  // A timer for as long as it runs: one that runs on without its connection is a leak.
  initial: 'waiting',
  states: { waiting: { after: { 40: { target: 'waiting', reenter: true } } } },
  on: {
    message: { actions: emit(({ event }) => ({ type: 'message' as const, data: event.data })) },
  },
}) as AnyActorLogic

/** The topics at `/topics`. */
export const TOPICS = ['news', 'short']

/** Of one process; with a disk the topics are durable. */
export function handlers(own: HarnessProcess): readonly HarnessEntry[] {
  const shared = new Shared(own)
  const { clock, random, journal } = own
  const ports = { clock, random }
  const isDurable = journal.store.durability === 'disk'
  const { room, ticks$ } = shared
  const {
    Slow,
    OpensLateAndSlow,
    Stuck,
    Rejects,
    Closes,
    LeavesLoudly,
    Attentive,
    FailsAtSubprotocol,
  } = classes(shared)
  const big = 'x'.repeat(900)
  return [
    route('/echo', ({ messages$ }) => messages$),
    route('/slow', Slow),
    route('/actor', machine),
    route('/chat', chatRoom()),
    route('/room', (connection) => {
      connection.messages$.subscribe((text) => void room.publish(String(text)))
      return room
    }),
    route('/clock', clockFeed({ everyMs: 100 })),
    route('/big', ({ messages$ }) => merge(...[0, 1, 2].map(() => messages$.pipe(map(() => big))))),
    // More than most bounds take: a peer that does not read is found out soon.
    route('/flood', () => ticks$.pipe(map((count) => `${count} ${big}`))),
    // More than a socket writes ahead, so that the queue behind it has something to do.
    route('/torrent', ({ messages$ }) =>
      merge(
        messages$,
        ticks$.pipe(map((count) => count + 'y'.repeat(9_000 * (1 + (Number(count) % 4))))),
      ).pipe(take(30)),
    ),
    route('/gusts', ({ messages$ }) =>
      messages$.pipe(
        mergeMap((message) => [0, 1, 2, 3, 4, 5].map((n) => n + 'z'.repeat(20_000) + message)),
      ),
    ),
    route('/greets', async function* () {
      yield 'one'
      await shared.wait(30)
      yield 'two'
      await shared.wait(600)
    }),
    route('/opensLate', async ({ messages$ }) => {
      await shared.wait(90)
      return messages$
    }),
    route('/opensLateAndSlow', OpensLateAndSlow),
    route('/neverOpens', () => new Promise<void>(() => {})),
    route('/throwsInOpen', () => {
      throw new Error('as this handler does')
    }),
    route('/closesInOpen', async (connection) => {
      await shared.wait(10)
      connection.close(4001, 'changed my mind')
    }),
    route('/stuck', Stuck),
    route('/rejects', Rejects),
    route('/closes', Closes),
    route('/leavesLoudly', LeavesLoudly),
    route('/completes', () => ticks$.pipe(take(3))),
    route('/errors', () =>
      ticks$.pipe(
        map((count) => {
          if (count === '2') throw new Error('as this handler does')
          return count
        }),
      ),
    ),
    route('/sendsRubbish', ({ messages$ }) => messages$.pipe(map(() => Symbol('no') as never))),
    route('/closesBadly', (connection) => {
      connection.messages$.subscribe(() => connection.close(1006, 'no such code'))
    }),
    route('/pings', (connection) => {
      connection.messages$.subscribe(() => connection.ping('from the app'))
    }),
    route('/attentive', Attentive),
    route('/rejectsToDecide', () => {}, {
      prepare: async () => {
        await shared.wait(10)
        throw new Error('as this handler does')
      },
    }),
    route('/failsAtOrigin', () => {}, {
      checkOrigin: () => {
        throw new Error('as this handler does')
      },
    }),
    // Truthy, and no `true`: a mistake that must not open the door.
    route('/truthy', () => {}, { checkOrigin: () => 'of course' as never }),
    route('/failsAtSubprotocol', FailsAtSubprotocol),
    route('/refuses', () => {}, {
      prepare: () => {
        throw new HandshakeError(403, 'not here')
      },
    }),
    route('/failsToDecide', () => {}, {
      prepare: () => {
        throw new Error('as this handler does')
      },
    }),
    route('/decidesLate', ({ messages$ }) => messages$, { prepare: () => shared.wait(40) }),
    route('/neverDecides', () => {}, { prepare: () => new Promise(() => {}) }),
    ...topics(
      '/topics',
      TOPICS.map((name) => {
        const history = { count: name === 'short' ? 2 : 500 }
        return isDurable
          ? topic<string>(name, { history, ...ports, durable: journal })
          : topic<string>(name, { history, ...ports })
      }),
      // Often enough that a client which hears nothing is back within the calm.
      { accept: String, maxPublishesPerSecond: 1_000, heartbeatMs: 730 },
    ).filter((entry) => entry.kind === 'route'),
  ]
}

/** Where the clients of a script go; the quiet ones more often, so that lives are long enough for trouble. */
export const PATHS = [
  ...[
    '/echo',
    '/echo',
    '/slow',
    '/actor',
    '/chat',
    '/chat',
    '/room',
    '/room',
    '/clock',
    '/big',
    '/big',
    '/flood',
  ],
  ...['/greets', '/opensLate', '/neverOpens', '/throwsInOpen', '/stuck', '/rejects', '/closes'],
  ...['/leavesLoudly', '/completes', '/errors', '/sendsRubbish', '/closesBadly', '/pings'],
  ...[
    '/attentive',
    '/opensLateAndSlow',
    '/rejectsToDecide',
    '/failsAtOrigin',
    '/failsAtSubprotocol',
  ],
  ...['/truthy', '/refuses', '/failsToDecide', '/closesInOpen', '/decidesLate', '/neverDecides'],
]
