// windsock connect: a client in the terminal, for plain messages or for a topic.
//
// What happens is a line each; what is typed or piped is sent line by line. A plain connection is one connection, as
// `dial()` makes it, and the command ends with it. A topic is read by the client that comes back, until it is closed.

import { parseAddress } from '../client/address.ts'
import type { ClientTopic, ClientTransport } from '../client/index.ts'
import { connect } from '../client/node.ts'
import { dialWith } from '../dial.ts'
import type { Connection, Handler } from '../handlers/handler.ts'
import { describe, WebSocketClosedError } from '../protocol/errors.ts'
import type { SubscribeFrom } from '../protocol/resume.ts'
import { liveClock } from '../transport/live-ports.ts'
import { Screen } from './connect-screen.ts'
import { type Happening, happeningJson, happeningLine } from './connect-words.ts'

export interface ConnectOptions {
  /** Reads and writes this topic; the address is where the server has its `topics()`. */
  readonly topic?: string
  /** Where reading the topic begins. */
  readonly from: SubscribeFrom
  /** For a topic: over which transports, in the order of preference. */
  readonly transports?: readonly ClientTransport[]
  /** For plain messages: further headers of the request. */
  readonly header: Readonly<Record<string, string>>
  readonly subprotocol: readonly string[]
  readonly origin?: string
  /** For plain messages: how often a ping goes out, ms; 0: never. */
  readonly ping: number
  /** When the input has ended: how long it has to be quiet before we close, ms; 0: the server has to close. */
  readonly wait: number
  readonly json?: boolean
}

/** What goes on in silence, too. */
const HEARTBEATS: ReadonlySet<Happening['type']> = new Set(['ping', 'pong'])

/** What is typed goes here. */
interface Speaker {
  /** Resolves when the next line may come; never rejects. */
  say(line: string): Promise<unknown>
  close(): void
  /** Whether it ended as it should. */
  readonly ended: Promise<boolean>
}

/** Runs until it is over; the exit code is 1 when the server refused, failed or was lost. */
export async function connectTo(url: string, options: ConnectOptions): Promise<void> {
  const screen = new Screen()
  const quiet = new Quiet(options.wait)
  const tell = (happening: Happening) => {
    const atMs = Math.round(liveClock.wallMs())
    const line = options.json ? happeningJson(happening, atMs) : happeningLine(happening, atMs)
    screen.write(line)
    if (!HEARTBEATS.has(happening.type)) quiet.broken()
  }
  try {
    const speaker =
      options.topic === undefined
        ? await plainSpeaker(url, options, tell)
        : topicSpeaker(url, options.topic, options, tell)
    let isOver = false
    let interrupted = false
    const close = () => {
      if (!isOver) speaker.close()
    }
    screen.read({
      typed: (line) => speaker.say(line),
      // On a terminal the end is Ctrl-D, and means it; in a pipe there may be answers on their way.
      ended: () => {
        if (process.stdin.isTTY) close()
        else if (!isOver) quiet.begin(close)
      },
      interrupted: () => {
        if (interrupted) process.exit(130)
        interrupted = true
        close()
      },
    })
    const isWell = await speaker.ended
    isOver = true
    if (!isWell) process.exitCode = 1
  } finally {
    quiet.end()
    screen.close()
  }
}

/** One connection, and nothing after it. */
async function plainSpeaker(
  url: string,
  { header, subprotocol, origin, ping }: ConnectOptions,
  tell: (happening: Happening) => void,
): Promise<Speaker> {
  const handler: Handler = {
    open: ({ subprotocol: chosen }) => tell({ type: 'open', subprotocol: chosen }),
    message: (message) => tell({ type: 'received', message }),
    ping: ({ byteLength: bytes }) => tell({ type: 'ping', bytes }),
    pong: ({ roundTripMs }) => tell({ type: 'pong', roundTripMs }),
  }
  const connection: Connection = await dialWith(
    url,
    // Asked for once the address and the options have been checked.
    () => {
      tell({ type: 'connecting', url })
      return handler
    },
    {
      headers: header,
      subprotocols: subprotocol,
      pingIntervalMs: ping,
      ...(origin !== undefined && { origin }),
    },
    () => {},
  )
  return {
    say: (line) => {
      // A connection that is closing takes nothing more; the close record tells.
      const sent = connection.send(line).then(undefined, () => {})
      tell({ type: 'sent', message: line })
      return sent
    },
    close: () => {
      tell({ type: 'closing' })
      connection.close()
    },
    ended: connection.closed.then((record) => {
      tell({ type: 'closed', record })
      return record.initiator === 'local' ? record.cause === 'appClosed' : isGood(record.code)
    }),
  }
}

/** A topic, for as long as we like. */
function topicSpeaker(
  url: string,
  name: string,
  { from, transports }: ConnectOptions,
  tell: (happening: Happening) => void,
): Speaker {
  // A client asks for its address when it dials, and would try a wrong one again and again.
  const client = connect(parseAddress(url, undefined), { transports })
  let topic: ClientTopic
  try {
    topic = client.topic(name, from)
  } catch (thrown) {
    void client.close()
    throw thrown
  }
  let wasOpen = false
  let isRefused = false
  let isUnreadable = false
  const refused = (what: 'read' | 'publish', thrown: unknown) => {
    isRefused = true
    tell({ type: 'refused', what, why: describe(thrown) })
  }
  // With nothing left to read the client is open, too, and in the same turn the refusal says why there is nothing.
  let opened: Happening | undefined
  const tellOpened = () => {
    const happening = opened
    opened = undefined
    if (happening !== undefined) tell(happening)
  }
  client.state$.subscribe((state) => {
    tellOpened()
    if (state.state !== 'open') return tell({ type: 'state', state })
    wasOpen = true
    opened = { type: 'state', state }
    queueMicrotask(tellOpened)
  })
  topic.events$.subscribe({
    next: (event) => {
      tellOpened()
      tell(event)
    },
    error: (thrown: unknown) => {
      opened = undefined
      isUnreadable = true
      refused('read', thrown)
      void client.close()
    },
  })
  return {
    say: (line) =>
      topic.publish(line).then(
        ({ offset, duplicate }) => tell({ type: 'published', offset, duplicate }),
        (thrown: unknown) => {
          // That the client is closed says nothing new to who was told why.
          const isOurs = thrown instanceof WebSocketClosedError
          if (!(isOurs && isUnreadable)) refused('publish', thrown)
        },
      ),
    close: () => void client.close(),
    ended: client.closed.then(({ state }) => state === 'closed' && wasOpen && !isRefused),
  }
}

/** A server that says goodbye in order is no failure of ours. */
function isGood(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005
}

/** Waits until nothing has happened for so long. */
class Quiet {
  readonly #ms: number
  #over: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
  }

  begin(over: () => void): void {
    if (this.#ms === 0) return
    this.#over = over
    this.broken()
  }

  /** Something has happened. */
  broken(): void {
    clearTimeout(this.#timer)
    const over = this.#over
    if (over === undefined) return
    this.#timer = setTimeout(() => {
      this.end()
      over()
    }, this.#ms)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#over = undefined
  }
}
