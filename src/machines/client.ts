// The client machine: the life of one client that comes back, from its first dial to its end.
//
//   idle → connecting { dialing → asking (→ proving) → resuming } → open { holding ⇄ upgrading } → waiting → connecting …
//   offline: as waiting, until the network is back · closing → closed · failed
//
// Rules that live here: when to dial, over which transport, how long to wait in between, and what is final. What this
// file refuses to know: sockets, frames, clocks, chance. Its actions are effects as data; `client/lifecycle.ts` performs
// them. Times and chance arrive inside events, so the same events always give the same effects.
//
// Links are numbered, so that what an old one says late is nothing to the present one.

import { setup } from 'xstate'
import type { CloseFrame } from '../protocol/close-record.ts'
import { isResumable } from '../protocol/resumable.ts'
import { afterLoss, type ClientContext, type ClientInput, contextOf } from './client-context.ts'
import type { ClientEvent, ClientTransport } from './client-effects.ts'

const effect = () => {}
const effectOf = <Params>() => effect as (_: unknown, params: Params) => void

/** Where an action or a guard stands says on which event it acts: a page is spared the question at run time. */
type EventOf<Type extends ClientEvent['type']> = Extract<ClientEvent, { readonly type: Type }>
type LinkEvent = Extract<ClientEvent, { readonly link: number }>

interface Told {
  readonly context: ClientContext
  readonly event: ClientEvent
}

const isOfPresent = ({ context, event }: Told) => (event as LinkEvent).link === context.link
const isFinal = (told: Told) =>
  isOfPresent(told) && !isResumable((told.event as EventOf<'link.closed'>).frame.code)
// The server has said what it had to say, and closed as one does then.
const isDone = (told: Told) =>
  isFinal(told) && [1000, 1005].includes((told.event as EventOf<'link.closed'>).frame.code)
const isBackOnline = ({ event }: Told) => (event as EventOf<'network.changed'>).online

const machineSetup = setup({
  types: {
    context: {} as ClientContext,
    events: {} as ClientEvent,
    input: {} as ClientInput,
  },
  delays: {
    connectTimeout: ({ context }) => context.deadlines.connectTimeoutMs,
    steady: ({ context }) => context.deadlines.steadyMs,
    upgrade: ({ context: { seeksSoon, deadlines } }) =>
      seeksSoon ? Math.min(deadlines.steadyMs, deadlines.upgradeMs) : deadlines.upgradeMs,
    closeTimeout: ({ context }) => context.deadlines.closeTimeoutMs,
    retry: ({ context }) => context.delayMs,
  },
  guards: {
    isOfPresent,
    isOfCandidate: ({ context, event }) => (event as LinkEvent).link === context.candidate,
    isFinal,
    isDone,
    isOffline: ({ context }) => !context.online,
    isOfPresentOffline: (told) => isOfPresent(told) && !told.context.online,
    couldBeBetter: ({ context }) => context.index > 0 && context.online,
    isBackOnline,
    /** The server asked for a later moment than this one; its other clients are asked the same. */
    mustStillWait: (told) =>
      isBackOnline(told) &&
      told.context.hinted &&
      (told.event as EventOf<'network.changed'>).nowMs < told.context.dueMs,
  },
  actions: {
    dial: effectOf<{ link: number; transport: ClientTransport }>(),
    resume: effectOf<{ link: number }>(),
    probe: effectOf<{ link: number }>(),
    keep: effectOf<{ link: number }>(),
    abandon: effectOf<{ link: number; reason: string }>(),
    closeLink: effectOf<{ link: number; frame: CloseFrame }>(),
    finish: effect,
  },
})

const noteNetwork = machineSetup.assign(({ event }) => ({
  online: (event as EventOf<'network.changed'>).online,
}))

const noteChoice = machineSetup.assign(({ event }) => ({
  transports: (event as EventOf<'app.chose'>).transports,
  index: 0,
  proven: false,
  failures: 0,
  seeksSoon: false,
  attempt: 0,
}))

const noteRetry = machineSetup.assign({ attempt: 0 })

const noteClose = machineSetup.assign(({ event }) => ({
  lastClose: (event as EventOf<'link.closed'>).frame,
}))

const noteLoss = machineSetup.assign(({ context, event }) =>
  afterLoss(context, event as EventOf<'link.closed'>),
)

const noteDial = machineSetup.assign(({ context }) => ({
  links: context.links + 1,
  link: context.links + 1,
  candidate: 0,
  isSteady: false,
}))

const noteCandidate = machineSetup.assign(({ context }) => ({
  links: context.links + 1,
  candidate: context.links + 1,
}))

const noteSteady = machineSetup.assign({ attempt: 0, isSteady: true, seeksSoon: true })

const noteVain = machineSetup.assign({ seeksSoon: false })

const noteAdoption = machineSetup.assign(({ context }) => ({
  link: context.candidate,
  candidate: 0,
  index: 0,
  proven: false,
  failures: 0,
  isSteady: false,
  seeksSoon: false,
}))

const dial = {
  type: 'dial',
  params: ({ context }: Told) => ({
    link: context.link,
    transport: context.transports[context.index] as ClientTransport,
  }),
} as const

const keepPresent = {
  type: 'keep',
  params: ({ context }: Told) => ({ link: context.link }),
} as const

const resume = [
  keepPresent,
  { type: 'resume', params: ({ context }: Told) => ({ link: context.link }) } as const,
]

const keepNone = { type: 'keep', params: { link: 0 } } as const

const abandon = {
  type: 'abandon',
  params: ({ context }: Told) => ({
    link: context.link,
    reason: `no answer within ${context.deadlines.connectTimeoutMs} ms`,
  }),
} as const

const network = { 'network.changed': { actions: noteNetwork } }

/** What follows when the present link has closed. */
const losses = [
  { guard: 'isDone', target: '#client.closed', actions: noteClose },
  { guard: 'isFinal', target: '#client.failed', actions: noteClose },
  { guard: 'isOfPresentOffline', target: '#client.offline', actions: noteLoss },
  { guard: 'isOfPresent', target: '#client.waiting', actions: noteLoss },
] as const

/** The machine of one client. */
export const clientMachine = machineSetup.createMachine({
  id: 'client',
  context: ({ input }) => contextOf(input),
  initial: 'idle',
  states: {
    idle: {
      on: {
        ...network,
        'app.started': [{ guard: 'isOffline', target: 'offline' }, { target: 'connecting' }],
        'app.closed': 'closed',
        'app.chose': { actions: noteChoice },
      },
    },
    connecting: {
      initial: 'dialing',
      after: { connectTimeout: { actions: abandon } },
      on: {
        ...network,
        'link.closed': losses,
        // A slow answer is one: it has the whole time again for what is still to come.
        'link.heard': { guard: 'isOfPresent', target: '.resuming', reenter: true },
        'app.closed': 'closed',
        'app.chose': { target: 'connecting', reenter: true, actions: noteChoice },
      },
      states: {
        dialing: {
          entry: [noteDial, keepPresent, dial],
          on: {
            'link.writable': { guard: 'isOfPresent', target: 'asking', actions: resume },
            'link.opened': { guard: 'isOfPresent', target: 'resuming', actions: resume },
            // It was not asked for anything yet.
            'link.heard': {},
          },
        },
        asking: {
          on: {
            'link.opened': { guard: 'isOfPresent', target: 'resuming' },
            'link.ready': { guard: 'isOfPresent', target: 'proving' },
          },
        },
        // There was nothing to ask for, or there is not any more: whether anybody is there is asked by itself.
        proving: {
          entry: { type: 'probe', params: ({ context }) => ({ link: context.link }) },
          on: {
            'link.opened': { guard: 'isOfPresent', target: '#client.open' },
            'link.heard': {},
          },
        },
        resuming: {
          on: { 'link.ready': { guard: 'isOfPresent', target: '#client.open' } },
        },
      },
    },
    open: {
      entry: machineSetup.assign({ proven: true }),
      initial: 'holding',
      after: { steady: { actions: noteSteady } },
      on: {
        ...network,
        'link.closed': losses,
        'app.closed': 'closing',
        'app.chose': { target: 'connecting', actions: noteChoice },
      },
      states: {
        holding: {
          entry: machineSetup.assign({ candidate: 0 }),
          after: {
            upgrade: [
              { guard: 'couldBeBetter', target: 'upgrading' },
              // Without a network it keeps what it has, and asks again later.
              { guard: 'isOffline', target: 'holding', reenter: true },
            ],
          },
        },
        upgrading: {
          entry: [
            noteCandidate,
            {
              type: 'dial',
              params: ({ context }) => ({
                link: context.candidate,
                transport: context.transports[0] as ClientTransport,
              }),
            },
          ],
          after: { connectTimeout: { target: 'holding', actions: [keepPresent, noteVain] } },
          on: {
            'link.writable': {
              guard: 'isOfCandidate',
              target: '#client.connecting.asking',
              actions: [noteAdoption, ...resume],
            },
            'link.opened': {
              guard: 'isOfCandidate',
              target: '#client.connecting.resuming',
              actions: [noteAdoption, ...resume],
            },
            'link.closed': [
              { guard: 'isOfCandidate', target: 'holding', actions: noteVain },
              ...losses,
            ],
          },
        },
      },
    },
    waiting: {
      entry: keepNone,
      after: { retry: 'connecting' },
      on: {
        'network.changed': [
          { guard: 'mustStillWait', actions: noteNetwork },
          { guard: 'isBackOnline', target: 'connecting', actions: noteNetwork },
          { target: 'offline', actions: noteNetwork },
        ],
        'app.retried': { target: 'connecting', actions: noteRetry },
        'app.closed': 'closed',
        'app.chose': { target: 'connecting', actions: noteChoice },
      },
    },
    offline: {
      entry: keepNone,
      on: {
        'network.changed': [
          {
            guard: 'mustStillWait',
            target: 'waiting',
            actions: [
              noteNetwork,
              machineSetup.assign(({ context, event }) => ({
                delayMs: context.dueMs - (event as EventOf<'network.changed'>).nowMs,
              })),
            ],
          },
          { guard: 'isBackOnline', target: 'connecting', actions: noteNetwork },
        ],
        'app.retried': { target: 'connecting', actions: noteRetry },
        'app.closed': 'closed',
        'app.chose': { actions: noteChoice },
      },
    },
    closing: {
      entry: [
        keepPresent,
        {
          type: 'closeLink',
          params: ({ context, event }) => ({
            link: context.link,
            frame: (event as EventOf<'app.closed'>).frame,
          }),
        },
      ],
      after: { closeTimeout: 'closed' },
      on: { 'link.closed': { guard: 'isOfPresent', target: 'closed', actions: noteClose } },
    },
    closed: { type: 'final', entry: [keepNone, 'finish'] },
    failed: { type: 'final', entry: [keepNone, 'finish'] },
  },
})

export type ClientMachine = typeof clientMachine
