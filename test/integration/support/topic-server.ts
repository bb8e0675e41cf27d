// Topic server: a server with one topic, `chat`, that can be stopped and started again on its port.

import { onTestFinished } from 'vitest'
import {
  type AnyTopic,
  memoryJournal,
  type Page,
  type Server,
  serve,
  type TopicsOptions,
  topic,
  topics,
} from 'windsock'
import { type Client, type ClientOptions, connect, type TopicEvent } from 'windsock/client'

export interface TopicServer {
  readonly port: number
  readonly url: string
  server: Server
  publish(text: string): Promise<unknown>
  stop(): Promise<void>
  start(): Promise<void>
  /** Everything that is in the log. */
  log(): Promise<string[]>
}

/** Starts it; with a journal in memory, that survives being stopped, unless it is to forget. */
export async function startTopicServer(
  options: TopicsOptions & {
    readonly forgets?: boolean
    readonly keep?: number
    readonly pages?: readonly Page[]
  } = {},
): Promise<TopicServer> {
  const { forgets = false, keep = 1_000, pages = [], ...rest } = options
  const journal = memoryJournal()
  const history = { count: keep }
  const make = () =>
    forgets
      ? topic<string>('chat', { history })
      : topic<string>('chat', { history, durable: journal })
  let port = 0
  const started = async () => {
    const chat = make()
    const server = await serve({
      port,
      closeTimeoutMs: 300,
      onError: () => {},
      routes: [
        topics('/topics', [chat as AnyTopic], { accept: (input) => input as string, ...rest }),
        ...pages,
      ],
    })
    return { chat, server }
  }
  let { chat, server } = await started()
  port = server.port
  const handle: TopicServer = {
    port,
    url: server.url,
    server,
    publish: (text) => Promise.resolve(chat.publish(text)),
    stop: () => server.close(),
    async start() {
      ;({ chat, server } = await started())
      handle.server = server
    },
    async log() {
      const response = await fetch(`${server.url}/topics/chat?offset=-1`)
      return (await response.json()) as string[]
    },
  }
  onTestFinished(() => server.close())
  return handle
}

/** A client with short waits, closed when the test is over, and the states it went through. */
export function startClient(
  url: string,
  options: ClientOptions = {},
): { readonly client: Client; readonly states: string[] } {
  const client = connect(`${url}/topics`, {
    firstRetryMs: 20,
    maxRetryMs: 100,
    connectTimeoutMs: 2_000,
    pollMs: 20,
    ...options,
  })
  onTestFinished(() => void client.close())
  const states: string[] = []
  client.state$.subscribe(({ state, transport }) => {
    states.push(`${state} ${transport}`)
  })
  return { client, states }
}

/** What a client reads of `chat` from now on; a gap as `gap: <reason>`. */
export function readChat(
  client: Client,
  last = 100,
): { readonly got: string[]; readonly events: TopicEvent<string>[] } {
  const got: string[] = []
  const events: TopicEvent<string>[] = []
  client.topic<string>('chat', { last }).events$.subscribe((event) => {
    events.push(event)
    got.push(event.type === 'gap' ? `gap: ${event.reason}` : event.data)
  })
  return { got, events }
}
