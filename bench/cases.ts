// Cases: what the benchmark measures, as data.
//
// A case is some work for the load process, and what is demanded of windsock in it: a floor that it may not fall
// below, and a goal. A new size is a new row here; a new kind of work is a new member of `Work`, which the load
// process then has to know.

/** How a server is spoken to: WebSocket, Socket.IO's words inside it, or bytes that come back as they are. */
export type Dialect = 'plain' | 'socket.io' | 'bytes'

export interface EchoWork {
  readonly kind: 'echo'
  readonly payloadBytes: number
  /** Messages that each connection keeps on their way. */
  readonly inFlight: number
  readonly connections: number
}

export interface BroadcastWork {
  readonly kind: 'broadcast'
  readonly payloadBytes: number
  /** Messages that the publisher keeps on their way; one is through when everyone has it. */
  readonly inFlight: number
  /** Beside the publisher, who gets its own messages too. */
  readonly subscribers: number
  readonly deflate: boolean
}

/** Connections are opened, and left open until the run is over or closed at once. */
export interface OpeningWork {
  readonly kind: 'opening'
  /** Handshakes under way; where connections are closed, connections. */
  readonly atOnce: number
  /** Each is closed, by a Close frame of the client's, before the next one is opened. */
  readonly closes: boolean
}

/** Messages leave at a fixed pace, whatever became of those before. */
export interface PacedWork {
  readonly kind: 'paced'
  readonly payloadBytes: number
  readonly perSecond: number
  readonly connections: number
}

/** Connections are open and silent. */
export interface IdleWork {
  readonly kind: 'idle'
  readonly connections: number
}

/** An echo in which a fixed number of messages goes round all connections, each to the next that comes. */
export interface CrowdWork {
  readonly kind: 'crowd'
  readonly payloadBytes: number
  readonly inFlight: number
  readonly connections: number
}

export type Work = EchoWork | BroadcastWork | OpeningWork | PacedWork | IdleWork | CrowdWork

/** What is compared: work per CPU second of the server, a latency, or memory. */
export type Measure = 'perCpuSecond' | 'p99' | 'heap' | 'growth'

/** What windsock is held to, in the unit of the measure. */
export interface Demand {
  readonly floor: number
  readonly goal: number | undefined
}

export interface Case {
  /** Without commas, which separate the names that `--only` takes. */
  readonly name: string
  /** One; several, from few connections to many, when growth is what is measured. */
  readonly works: readonly Work[]
  readonly measure: Measure
  readonly demand: Demand | undefined
  /** The works that `--quick` does instead; undefined when it leaves the case out. */
  readonly quick: readonly Work[] | undefined
}

const ECHO_CONNECTIONS = 64
const IDLE_CONNECTIONS = 10_000
const QUICK_IDLE_CONNECTIONS = 2000
const CROWDS = [1000, 4000, 16_000]

export const CASES: readonly Case[] = [
  echo('16 B', 16, 1, { floor: 1.08, goal: 1.17 }),
  echo('16 B', 16, 16, { floor: 5, goal: 8 }, 'quick'),
  echo('1 KB', 1024, 1, { floor: 1.08, goal: 1.15 }),
  echo('1 KB', 1024, 16, { floor: 3, goal: 5 }),
  echo('64 KB', 65_536, 1, { floor: 0.97, goal: 1.1 }),
  echo('64 KB', 65_536, 16, { floor: 0.97, goal: 1.1 }),
  broadcast(100, 1, undefined),
  broadcast(100, 16, undefined),
  broadcast(1000, 1, { floor: 1.25, goal: 1.45 }),
  broadcast(1000, 16, { floor: 12, goal: 21 }, 'quick'),
  broadcast(5000, 1, { floor: 1.15, goal: 1.3 }),
  broadcast(5000, 16, { floor: 10, goal: 19 }),
  deflated(1000, 1, { floor: 10, goal: 20 }),
  deflated(1000, 16, { floor: 20, goal: 50 }, 'quick'),
  opening({ floor: 0.8, goal: 1.3 }),
  openingAndClosing(),
  idle({ floor: 8, goal: 5 }),
  paced({ floor: 1.2, goal: 1 }),
  scaling({ floor: 1.15, goal: undefined }),
]

/** A class and an actor, of what the same does by hand in a stream function: they may cost a third more. */
export const FORM_DEMAND: Demand = { floor: 0.75, goal: undefined }

/** The cases whose name contains one of `texts`, in any case of letters; all when there is none. */
export function casesNamed(texts: readonly string[], quick: boolean): readonly Case[] {
  const known = quick ? CASES.flatMap(shortened) : CASES
  if (texts.length === 0) return known
  const wanted = texts.map((text) => text.toLowerCase())
  return known.filter(({ name }) => wanted.some((text) => name.toLowerCase().includes(text)))
}

function shortened(one: Case): Case[] {
  return one.quick === undefined ? [] : [{ ...one, works: one.quick }]
}

function echo(
  size: string,
  payloadBytes: number,
  inFlight: number,
  demand: Demand,
  quick?: 'quick',
): Case {
  const work: Work = { kind: 'echo', payloadBytes, inFlight, connections: ECHO_CONNECTIONS }
  return {
    name: `echo ${size} with ${inFlight} in flight`,
    works: [work],
    measure: 'perCpuSecond',
    demand,
    quick: quick && [work],
  }
}

function broadcast(
  subscribers: number,
  inFlight: number,
  demand: Demand | undefined,
  quick?: 'quick',
): Case {
  const work: Work = { kind: 'broadcast', payloadBytes: 100, inFlight, subscribers, deflate: false }
  return {
    name: `broadcast 100 B to ${subscribers} with ${inFlight} in flight`,
    works: [work],
    measure: 'perCpuSecond',
    demand,
    quick: quick && [work],
  }
}

function deflated(subscribers: number, inFlight: number, demand: Demand, quick?: 'quick'): Case {
  const work: Work = { kind: 'broadcast', payloadBytes: 1024, inFlight, subscribers, deflate: true }
  return {
    name: `broadcast 1 KB to ${subscribers} deflated with ${inFlight} in flight`,
    works: [work],
    measure: 'perCpuSecond',
    demand,
    quick: quick && [work],
  }
}

function opening(demand: Demand): Case {
  const works: Work[] = [{ kind: 'opening', atOnce: 32, closes: false }]
  return {
    name: 'opening connections',
    works,
    measure: 'perCpuSecond',
    demand,
    quick: works,
  }
}

function openingAndClosing(): Case {
  return {
    name: 'opening and closing connections',
    works: [{ kind: 'opening', atOnce: 32, closes: true }],
    measure: 'perCpuSecond',
    demand: undefined,
    quick: undefined,
  }
}

function idle(demand: Demand): Case {
  return {
    name: 'an idle connection',
    works: [{ kind: 'idle', connections: IDLE_CONNECTIONS }],
    measure: 'heap',
    demand,
    quick: [{ kind: 'idle', connections: QUICK_IDLE_CONNECTIONS }],
  }
}

function paced(demand: Demand): Case {
  const works: Work[] = [{ kind: 'paced', payloadBytes: 16, perSecond: 5000, connections: 64 }]
  return {
    name: 'p99 at 5000 messages/s',
    works,
    measure: 'p99',
    demand,
    quick: undefined,
  }
}

function scaling(demand: Demand): Case {
  return {
    name: `scaling to ${CROWDS.at(-1)} connections`,
    works: CROWDS.map((connections) => {
      return { kind: 'crowd', payloadBytes: 16, inFlight: 64, connections }
    }),
    measure: 'growth',
    demand,
    quick: undefined,
  }
}
