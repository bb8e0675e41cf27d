// Play: has the clients of a harness do what a script says, and lets everything come to its end.
//
// After the last step there is a calm, in which whatever is under way arrives; how things stand then is written down.
// Then the server is closed, and what is left over has time to go.

import type { Runtime } from '../runtime.ts'
import type { Client } from './client.ts'
import { Follower, TOPICS_SUBPROTOCOL } from './follower.ts'
import type { Life } from './life.ts'
import { CLIENT_CLOSE_MS, type Network, ReconnectingClient } from './reconnecting.ts'
import type { ClientAct, Script, ServerAct, Step } from './script.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** Long enough for what is under way to arrive, shorter than a default ping interval. */
const CALM_MS = 5_000

/** After the server is closed, for the network's last answers. */
const REST_MS = 10_000

/** A server that scripts are played with, and what is written down of it: a harness. */
export interface Stage extends Network {
  readonly runtime: Pick<Runtime, 'drain'>
  readonly disk: SimulatedDisk | undefined
  readonly lives: readonly Life[]
  readonly followers: Map<number, Follower | ReconnectingClient>
  readonly played: Step[]
  timersLateMs: number
  advance(ms: number): Promise<void>
  settle(): Promise<void>
  crash(): void
  restart(): Promise<void>
  close(): Promise<void>
}

/** Plays `script`, and closes the server. */
export async function play(server: Stage, script: Script): Promise<void> {
  const startedAtMs = server.clock.nowMs()
  const players = new Map<number, Player>()
  for (const step of script.steps) {
    const waitMs = startedAtMs + step.atMs - server.clock.nowMs()
    if (waitMs > 0) await server.advance(waitMs)
    let found = true
    if (step.client === undefined) found = await happen(server, step, players)
    else {
      const player = players.get(step.client) ?? new Player(server, step.client)
      players.set(step.client, player)
      found = player.act(step)
    }
    if (found) server.played.push(step)
    await server.settle()
  }
  // What a slow disk has before it takes longer than any calm.
  if (server.disk !== undefined) server.disk.writeMs = 0
  await server.advance(CALM_MS)
  for (const life of server.lives) life.noteCalm()
  const isQuiet = (client: Client) => {
    const { calm, slow } = server.lives.find((life) => life.client === client) ?? {}
    // Whoever may be dropped from learns of it by the next message or heartbeat; behind a Close frame nothing comes.
    const mayMiss = slow === 'drop-oldest' || slow === 'latest' || client.closeFrames.length > 0
    return calm?.isQuiet === true && !mayMiss
  }
  for (const follower of server.followers.values()) follower.noteCalm(isQuiet)
  await closeClients(server)
  await server.close()
  await server.advance(REST_MS)
}

/** Those that would come back to a server that is closed. */
async function closeClients({ followers, clock }: Stage): Promise<void> {
  const clients = [...followers.values()].filter((one) => one instanceof ReconnectingClient)
  if (clients.length === 0) return
  for (const client of clients) client.close()
  await clock.advance(CLIENT_CLOSE_MS)
  for (const client of clients) client.noteEnd()
}

/** Whether it made a difference. */
async function happen(
  server: Stage,
  act: ServerAct,
  players: ReadonlyMap<number, Player>,
): Promise<boolean> {
  switch (act.does) {
    case 'freeze':
    case 'suspend':
      server.clock.stall(act.ms)
      return true
    case 'stepWall':
      server.clock.stepWall(act.ms)
      return true
    case 'lateTimers':
      server.timersLateMs = act.ms
      return true
    case 'drain':
      void server.runtime.drain({ code: act.code, reason: '' })
      return true
    case 'crash': {
      const back = [...players.values()].filter(({ isThere }) => isThere)
      if (server.disk !== undefined) server.disk.keepsInterrupted = act.keepsInterrupted
      server.crash()
      await server.advance(act.awayMs)
      // Whoever starts it again has seen to the disk before.
      if (server.disk !== undefined) server.disk.condition = 'fine'
      await server.restart()
      for (const player of back) player.comeBack()
      return true
    }
    case 'disk':
      if (server.disk !== undefined) server.disk.condition = act.condition
      return server.disk !== undefined
    case 'slowDisk':
      if (server.disk !== undefined) server.disk.writeMs = act.ms
      return server.disk !== undefined
  }
}

type Connect = ClientAct & { readonly does: 'connect' }

/** One client of the script, connection after connection. */
class Player {
  readonly #server: Stage
  readonly #number: number
  /** Where it comes back by itself. */
  #reconnecting: ReconnectingClient | undefined
  #own: Client | undefined
  #last: Connect | undefined

  constructor(server: Stage, number: number) {
    this.#server = server
    this.#number = number
  }

  /** Whether it has a connection that has not ended. */
  get isThere(): boolean {
    return this.#client !== undefined && !this.#client.isEnded
  }

  get #client(): Client | undefined {
    return this.#reconnecting?.present ?? this.#own
  }

  /** Connects as it did last. */
  comeBack(): void {
    if (this.#last !== undefined && this.#reconnecting === undefined) this.#connect(this.#last)
  }

  /** Whether it could do so. */
  act(act: ClientAct): boolean {
    if (act.does === 'connect') {
      this.#connect(act)
      return true
    }
    if (act.does === 'abort') {
      this.#dial(act.path).reset()
      return true
    }
    const reconnecting = this.#reconnecting
    const isApplications = act.does === 'publish' || (act.does === 'close' && mayClose(act.code))
    if (reconnecting !== undefined && isApplications) {
      if (!reconnecting.isAlive) return false
      if (act.does === 'close') reconnecting.close(act.code, act.reason)
      else reconnecting.publish(act.topic, act.data)
      return true
    }
    const client = this.#client
    if (client === undefined || client.isEnded) return false
    this.#do(client, act)
    return true
  }

  #do(client: Client, act: Exclude<ClientAct, Connect | { does: 'abort' }>): void {
    switch (act.does) {
      case 'send':
        return client.send(act.message)
      case 'sendInPieces':
        return client.sendInPieces(act.message, act.cut)
      case 'ping':
      case 'pong':
        return client[act.does](act.data)
      case 'close':
        return client.close(act.code, act.reason)
      case 'bytes':
        return client.bytes(act.bytes, act.what)
      case 'publish':
        return this.#server.followers.get(this.#number)?.publish(act.topic, act.data)
      case 'delay':
        client.latencyMs = act.latencyMs
        return
      case 'trickle':
        client.readBytes = act.readBytes
        return
      case 'writeSlowly':
        return client.writeSlowly(act.readBytes, act.everyMs)
      case 'gather':
        return client.gather(act.everyMs)
      case 'narrow':
        client.bufferBytes = act.bufferBytes
        return
      case 'blackOut':
      case 'cutWhenIdle':
        return client[act.does](act.ms)
      case 'duplicate':
        this.#dial(client.path)
        return
      case 'closeRace':
        this.#lifeOf(client)?.closeNow(4002, 'at once')
        return client.close(4003, 'too')
      case 'ignorePings':
        client.answersPings = false
        return
      case 'ignoreClose':
        client.answersClose = false
        return
      case 'throw':
      case 'reject': {
        const life = this.#lifeOf(client)
        if (life !== undefined) life.fails = { hook: act.hook ?? 'message', does: act.does }
        return
      }
      default:
        return client[act.does]()
    }
  }

  #lifeOf(client: Client) {
    return this.#server.lives.find((one) => one.client === client)
  }

  // As it connected last: with the same headers, and the subprotocol of topics if it follows some.
  #dial(path: string): Client {
    const { headers, follows } = this.#last ?? {}
    const topics = follows === undefined ? {} : { 'sec-websocket-protocol': TOPICS_SUBPROTOCOL }
    return this.#server.client(path, { headers: { ...headers, ...topics }, number: this.#number })
  }

  #connect(act: Connect): void {
    const { path, follows, by } = act
    if (this.#last === undefined && by === 'client') this.#beginReconnecting(act)
    this.#last = act
    if (this.#reconnecting !== undefined) return this.#reconnecting.connect()
    // A client that comes back has left the old connection to itself.
    if (this.#own !== undefined && !this.#own.isEnded) this.#own.cut()
    const client = this.#dial(path)
    this.#own = client
    if (follows === undefined) return
    const { followers } = this.#server
    const known = followers.get(this.#number)
    const follower = known instanceof Follower ? known : new Follower()
    followers.set(this.#number, follower)
    follower.attach(client, follows)
  }

  #beginReconnecting({ path, follows = [], headers }: Connect): void {
    const server = this.#server
    this.#reconnecting = new ReconnectingClient(server, this.#number, { path, follows, headers })
    server.followers.set(this.#number, this.#reconnecting)
  }
}

/** What an application may close with; whatever else a script has travels beneath it. */
function mayClose(code: number): boolean {
  return code === 1000 || (code >= 3000 && code <= 4999)
}
