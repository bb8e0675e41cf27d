// Cases: what the benchmark measures, as data.
//
// A case is some work for the load process and the floor that windsock's ratio to bare `ws` may
// not fall below. A new size is a new row here; a new kind of work (opening connections, memory)
// is a new member of `Work`, which the load process then has to know.

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
}

export type Work = EchoWork | BroadcastWork

export interface Case {
  readonly name: string
  readonly work: Work
  /** Smallest passing ratio of messages per CPU second of the server. */
  readonly floor: number
  /** Whether `--quick` includes it. */
  readonly quick: boolean
}

const ECHO_FLOOR = 0.9
const BROADCAST_FLOOR = 1
const ECHO_CONNECTIONS = 64

export const CASES: readonly Case[] = [
  echo('16 B', 16, 1, true),
  echo('16 B', 16, 16, false),
  echo('1 KB', 1024, 1, false),
  echo('1 KB', 1024, 16, true),
  echo('64 KB', 65_536, 1, false),
  echo('64 KB', 65_536, 16, false),
  broadcast(1000, 1, true),
  broadcast(1000, 16, true),
]

/** The cases whose name contains `text`, in any case of letters. */
export function casesNamed(text: string, quick: boolean): readonly Case[] {
  const wanted = text.toLowerCase()
  return CASES.filter((one) => (one.quick || !quick) && one.name.toLowerCase().includes(wanted))
}

function echo(size: string, payloadBytes: number, inFlight: number, quick: boolean): Case {
  return {
    name: `echo ${size}, ${inFlight} in flight`,
    work: { kind: 'echo', payloadBytes, inFlight, connections: ECHO_CONNECTIONS },
    floor: ECHO_FLOOR,
    quick,
  }
}

function broadcast(subscribers: number, inFlight: number, quick: boolean): Case {
  return {
    name: `broadcast 100 B to ${subscribers.toLocaleString('en-US')}, ${inFlight} in flight`,
    work: { kind: 'broadcast', payloadBytes: 100, inFlight, subscribers },
    floor: BROADCAST_FLOOR,
    quick,
  }
}
