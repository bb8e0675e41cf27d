// Play: has the clients of a harness do what a script says, and lets everything come to its end.
//
// After the last step there is a calm, in which whatever is under way arrives; how things stand then is written down.
// Then the server is closed, and what is left over has time to go.

import type { Client } from './client.ts'
import { Follower, TOPICS_SUBPROTOCOL } from './follower.ts'
import type { Harness } from './harness.ts'
import type { ClientAct, Script, ServerAct } from './script.ts'

/** Long enough for what is under way to arrive, shorter than a default ping interval. */
const CALM_MS = 5_000

/** After the server is closed, for the network's last answers. */
const REST_MS = 10_000

/** Plays `script`, and closes the server. */
export async function play(server: Harness, script: Script): Promise<void> {
  const startedAtMs = server.clock.nowMs()
  const players = new Map<number, Player>()
  for (const step of script.steps) {
    const waitMs = startedAtMs + step.atMs - server.clock.nowMs()
    if (waitMs > 0) await server.advance(waitMs)
    if (step.client === undefined) await happen(server, step)
    else {
      const player = players.get(step.client) ?? new Player(server, step.client)
      players.set(step.client, player)
      player.act(step)
    }
    await server.settle()
  }
  await server.advance(CALM_MS)
  for (const life of server.lives) life.noteCalm()
  const isQuiet = (client: Client) =>
    server.lives.find((life) => life.client === client)?.calm?.isQuiet === true
  for (const follower of server.followers.values()) follower.noteCalm(isQuiet)
  await server.close()
  await server.advance(REST_MS)
}

async function happen(server: Harness, act: ServerAct): Promise<void> {
  if (act.does === 'freeze') server.clock.stall(act.ms)
  else if (act.does === 'stepWall') server.clock.stepWall(act.ms)
  else void server.runtime.drain({ code: act.code, reason: '' })
}

/** One client of the script, connection after connection. */
class Player {
  readonly #server: Harness
  readonly #number: number
  #client: Client | undefined

  constructor(server: Harness, number: number) {
    this.#server = server
    this.#number = number
  }

  act(act: ClientAct): void {
    if (act.does === 'connect') return this.#connect(act)
    const client = this.#client
    if (client === undefined || client.isEnded) return
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
        return client.bytes(act.bytes)
      case 'publish':
        return this.#server.followers.get(this.#number)?.publish(act.topic, act.data)
      case 'delay':
        client.latencyMs = act.latencyMs
        return
      case 'trickle':
        client.readBytes = act.readBytes
        return
      case 'ignorePings':
        client.answersPings = false
        return
      case 'ignoreClose':
        client.answersClose = false
        return
      case 'throw': {
        const life = this.#server.lives.find((one) => one.client === client)
        if (life !== undefined) life.throwsNext = true
        return
      }
      default:
        return client[act.does]()
    }
  }

  #connect({ path, follows }: ClientAct & { does: 'connect' }): void {
    // A client that comes back has left the old connection to itself.
    if (this.#client !== undefined && !this.#client.isEnded) this.#client.cut()
    const headers = follows === undefined ? {} : { 'sec-websocket-protocol': TOPICS_SUBPROTOCOL }
    const client = this.#server.client(path, { headers, number: this.#number })
    this.#client = client
    if (follows === undefined) return
    const { followers } = this.#server
    const follower = followers.get(this.#number) ?? new Follower()
    followers.set(this.#number, follower)
    follower.attach(client, follows)
  }
}
