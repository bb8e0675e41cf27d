// Hostile server: routes whose user code fails in every way that it can, in a process of its own.
//
// Runs from dist/, as users run it. Tells the parent its port; answers `report` with what it counted. Nothing
// here keeps the process alive through an uncaught exception: the parent sees it die.

import {
  finalize,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  switchMap,
  take,
  throwError,
  timer,
} from 'rxjs'
import { assign, createMachine, emit, fromCallback, fromPromise, setup } from 'xstate'
import { connectionMachine, route, serve, topic, WebSocketHandler } from '../../../dist/index.js'

const report = { records: 0, ids: new Set(), causes: {}, errors: {} }

const fail = () => {
  throw new Error('on purpose')
}

// What `throw` can throw, besides errors.
const ODD = [
  undefined,
  null,
  7,
  'text',
  Symbol('odd'),
  Object.create(null),
  { toString: fail },
  new Proxy(new Error('proxy'), { get: fail }),
]
let odd = 0

const ways = {
  throws: fail,
  'throws-oddly': () => {
    throw ODD[odd++ % ODD.length]
  },
  rejects: () => Promise.reject(new Error('on purpose')),
  'rejects-oddly': () => Promise.reject(ODD[odd++ % ODD.length]),
  hangs: () => new Promise(() => {}),
  'thenable-throws': () => ({ then: fail }),
}

class Failing extends WebSocketHandler {
  #in(hook) {
    const { params } = this.request
    return params.hook === hook ? ways[params.way]() : undefined
  }
  prepare() {
    return this.#in('prepare')
  }
  checkOrigin() {
    return this.#in('checkOrigin') ?? true
  }
  selectSubprotocol() {
    return this.#in('selectSubprotocol')
  }
  open() {
    return this.#in('open')
  }
  onMessage() {
    return this.#in('onMessage')
  }
  onPing() {
    return this.#in('onPing')
  }
  onPong() {
    return this.#in('onPong')
  }
  onClose() {
    return this.#in('onClose')
  }
}

class ThrowingConstructor extends WebSocketHandler {
  constructor() {
    super()
    fail()
  }
}

const crowd = topic('crowd')
const never = new Subject()
const cycle = {}
cycle.cycle = cycle

// Subscribes to each stream anew at each of its values, behind an operator that runs a throwing finalizer.
const restarted = (...all) => {
  for (const one$ of all) one$.pipe(switchMap(() => one$.pipe(finalize(fail)))).subscribe()
}

const streams = {
  throws: fail,
  rejects: () => Promise.reject(new Error('on purpose')),
  'returns-nonsense': () => 7,
  'operator-throws': ({ messages$ }) => messages$.pipe(map(fail)),
  'stream-errors': ({ messages$ }) =>
    messages$.pipe(mergeMap(() => throwError(() => new Error('on purpose')))),
  'emits-nonsense': ({ messages$ }) => messages$.pipe(map(() => 7)),
  'emits-cycle': ({ messages$ }) => messages$.pipe(map(() => cycle)),
  'subscriber-throws': ({ messages$ }) => void messages$.subscribe(fail),
  'operator-throws-unseen': ({ messages$ }) => void messages$.pipe(map(fail)).subscribe(),
  'error-handler-throws': ({ messages$ }) =>
    void messages$.pipe(map(fail)).subscribe({ error: fail }),
  'generator-throws': async function* ({ messages$ }) {
    await new Promise((resolve) => messages$.subscribe(resolve))
    fail()
    yield ''
  },
  'iterator-throws': ({ messages$ }) => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        await new Promise((resolve) => messages$.subscribe(resolve))
        fail()
      },
      return: fail,
    }),
  }),
  // These do not concern the connection: it stays, until the peer closes.
  'completion-throws': ({ messages$ }) => void messages$.subscribe({ complete: fail }),
  'state-subscriber-throws': (connection) =>
    void connection.state$.subscribe((state) => state === 'closed' && fail()),
  'topic-subscriber-throws': ({ messages$ }) => {
    crowd.pipe(take(1)).subscribe(fail)
    messages$.subscribe(() => crowd.publish('hello'))
  },
  'merged-subscriber-throws': ({ messages$ }) => void merge(messages$, never).subscribe(fail),
  'pong-subscriber-throws': ({ pongs$ }) => void pongs$.subscribe(fail),
  'finalizer-throws': ({ messages$ }) => messages$.pipe(finalize(fail)),
  'timer-finalizer-throws': ({ messages$ }) =>
    merge(messages$, timer(5).pipe(map(String))).pipe(finalize(fail)),
  'ending-finalizer-throws': () => timer(5).pipe(map(String), finalize(fail)),
  'inner-finalizer-throws': ({ messages$ }) =>
    messages$.pipe(mergeMap(() => of('x').pipe(finalize(fail)))),
  'restarted-finalizers-throw': ({ messages$, pongs$ }) => restarted(messages$, pongs$),
  'state-finalizers-throw': ({ state$ }) => restarted(state$),
}

const actors = {
  guard: createMachine({ on: { message: { guard: fail, actions: () => {} } } }),
  action: createMachine({ on: { message: { actions: fail } } }),
  assign: createMachine({ context: {}, on: { message: { actions: assign(fail) } } }),
  entry: createMachine({ entry: fail }),
  promise: createMachine({
    initial: 'idle',
    states: {
      idle: { on: { message: 'busy' } },
      busy: { invoke: { src: fromPromise(async () => fail()) } },
    },
  }),
  callback: createMachine({
    initial: 'idle',
    states: {
      idle: { on: { message: 'busy' } },
      busy: { invoke: { src: fromCallback(fail) } },
    },
  }),
  delay: createMachine({
    initial: 'idle',
    states: { idle: { on: { message: 'busy' } }, busy: { after: { 5: { actions: fail } } } },
  }),
  emits: setup({}).createMachine({
    on: { message: { actions: emit(() => ({ type: 'message', data: 7 })) } },
  }),
  cycle: setup({}).createMachine({
    on: { message: { actions: emit(() => ({ type: 'other', cycle })) } },
  }),
  // Fails when it is stopped, which is after the end.
  exit: createMachine({ initial: 'idle', exit: fail, states: { idle: { exit: fail } } }),
}

const echo = ({ messages$ }) => messages$
const delays = Object.fromEntries(
  [
    'handshakeTimeout',
    'openTimeout',
    'pingInterval',
    'pingTimeout',
    'pongGrace',
    'closeTimeout',
  ].map((name) => [name, connectionMachine.provide({ delays: { [name]: fail } })]),
)
const guarded = connectionMachine.provide({ guards: { mayStaySilent: fail } })
const pings = { pingIntervalMs: 20, pingTimeoutMs: 20 }

const server = await serve({
  handshakeTimeoutMs: 100,
  openTimeoutMs: 100,
  handlerTimeoutMs: 100,
  closeTimeoutMs: 500,
  onError: (error) => {
    report.errors[error.code] = (report.errors[error.code] ?? 0) + 1
    fail() // the listener itself is no better
  },
  routes: [
    route('/echo', echo, { handlerTimeoutMs: 60_000 }),
    route('/crowd', () => crowd),
    route('/class/:hook/:way', Failing),
    route('/constructor', ThrowingConstructor),
    route('/setting/prepare', echo, { prepare: fail }),
    route('/setting/checkOrigin', echo, { checkOrigin: fail }),
    ...Object.entries(streams).map(([name, stream]) => route(`/stream/${name}`, stream)),
    ...Object.entries(actors).map(([name, actor]) => route(`/actor/${name}`, actor)),
    ...Object.entries(delays).map(([name, machine]) =>
      route(`/delay/${name}`, echo, { ...(name.startsWith('p') && pings), machine }),
    ),
    route('/guard', echo, { ...pings, machine: guarded }),
  ],
})

server.closed$.subscribe((record) => {
  report.records++
  report.ids.add(record.connectionId)
  report.causes[record.cause] = (report.causes[record.cause] ?? 0) + 1
  fail() // nor is this one
})

process.on('message', (message) => {
  if (message === 'report') {
    const { records, ids, causes, errors } = report
    const live = server.connections.size
    const { counts } = server
    process.send({ report: { records, ids: ids.size, causes, errors, live, counts } })
  }
})

process.on('disconnect', () => process.exit(0))
process.send({ port: server.port })
