// Population: readers in all four ways and publishers, on one topic, over one server after the other.

import { VirtualClock } from 'windsock/testing'
import { type Finding, judgePublishers, judgeReader } from './checker.ts'
import { Disk } from './disk.ts'
import { WAYS, type Way } from './place.ts'
import { Publisher } from './publisher.ts'
import { type Beginning, Reader, type Surroundings } from './reader.ts'
import { PUBLISHERS, type Script, type Step, type Who } from './script.ts'
import { Server, TOPIC } from './server.ts'
import { Tally } from './tally.ts'

/** What came of one population. */
export interface Outcome {
  readonly findings: readonly Finding[]
  readonly tally: Tally
}

/** How readers begin; most want all that is kept. */
const BEGINNINGS: readonly Beginning[] = ['start', 'oldest', 'start', 'start', 'now']
/** Rounds at the end, over links that work, until everyone has everything; and one more for each message. */
const LAST_ROUNDS = 300

/** Plays a script to its end and judges it. */
export async function play(script: Script): Promise<Outcome> {
  const population = new Population(script)
  await population.start()
  for (const step of script.steps) await population.take(step)
  await population.settleDown()
  return population.judge()
}

class Population implements Surroundings {
  readonly clock = new VirtualClock()
  readonly #disk = new Disk(`topic/${TOPIC}`)
  readonly #settings: Script['settings']
  readonly #readers: Reader[]
  readonly #publishers: Publisher[]
  readonly #findings: Finding[] = []
  readonly #tally = new Tally()
  #server: Server | undefined

  constructor({ readers, settings }: Script) {
    this.#settings = settings
    this.#readers = Array.from({ length: readers }, (_, index) => {
      const way = WAYS[index % WAYS.length] as Way
      const beginning = BEGINNINGS[index % BEGINNINGS.length] as Beginning
      return new Reader(`reader ${index}`, this, way, beginning)
    })
    this.#publishers = Array.from({ length: PUBLISHERS }, (_, index) => {
      return new Publisher(`p${index}`, this)
    })
  }

  get ledger() {
    return this.#disk.ledger
  }

  get server(): Server {
    return this.#server as Server
  }

  async start(): Promise<void> {
    await this.#disk.look()
    this.#server = new Server(this.#disk, this.clock, this.#settings)
    await this.#tick(1)
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish': {
        const { way, times, size, together } = step
        this.#publishers[step.by]?.publish(way, times, size, together)
        break
      }
      case 'cut':
        for (const reader of this.#who(step.who)) {
          reader.cut(step.awayMs, step.arriving)
          this.#tally.cuts++
        }
        break
      case 'switch':
        for (const reader of this.#who(step.who)) reader.switchTo(step.to)
        break
      case 'slow':
      case 'quick':
        for (const reader of this.#who(step.who)) reader.pause(step.do === 'slow')
        break
      case 'loseAnswer':
        for (const reader of this.#who(step.who)) reader.losesAnswer = true
        break
      case 'again':
        for (const reader of this.#who(step.who)) reader.again()
        break
      case 'loseAcknowledgement':
        this.#publishers[step.by]?.cut(false)
        break
      case 'restart':
        await this.#restart(step)
        break
      case 'wait':
        await this.#wait(step.ms)
    }
    await this.#tick(1)
  }

  /** Everyone comes back over links that work, until everything is published and read. */
  async settleDown(): Promise<void> {
    for (const reader of this.#readers) {
      reader.losesAnswer = false
      reader.pause(false)
      reader.cut()
    }
    const { ledger, server } = this
    for (let round = 0; !this.#isQuiet; round++) {
      if (round > LAST_ROUNDS + ledger.headOf(server.epoch)) break
      await this.#tick(10)
    }
    if (!this.#isQuiet) this.#odd('the population', 'does not come to rest')
  }

  async judge(): Promise<Outcome> {
    const { epoch, topic } = this.server
    const tally = this.#tally
    const end = { epoch, offset: this.ledger.headOf(epoch) }
    if (topic.offset !== end.offset) this.#odd('the topic', `ends at ${topic.offset}`)
    for (const reader of this.#readers) {
      const verdict = judgeReader(reader, this.ledger, end)
      tally.add(verdict)
      this.#findings.push(...verdict.findings)
      reader.cut()
    }
    const told = this.#publishers.flatMap(({ acknowledged }) => acknowledged)
    this.#findings.push(...judgePublishers(told, this.ledger))
    for (const { name, oddities, resent, duplicates } of this.#publishers) {
      for (const text of oddities) this.#odd(name, text)
      tally.resent += resent
      tally.duplicates += duplicates
    }
    for (const text of await this.#disk.audit()) this.#odd('the store', text)
    this.#endServer()
    tally.trims = this.ledger.trims
    tally.published = told.length
    tally.found(this.#findings)
    return { findings: this.#findings, tally }
  }

  async #restart({ how, finds }: Extract<Step, { do: 'restart' }>): Promise<void> {
    if (how === 'drain') {
      await this.server.drain()
      await this.#tick(0)
    }
    for (const reader of this.#readers) reader.cut()
    for (const publisher of this.#publishers) publisher.cut(true)
    this.#endServer()
    await this.clock.settle()
    if (finds === 'less') await this.#disk.compact(3)
    if (finds === 'another') this.#disk.forget()
    this.#tally.restarts++
    await this.start()
  }

  #endServer(): void {
    const { server } = this
    server.end()
    for (const error of server.errors) this.#odd('the server', `${error}`)
    if (server.watchers > 0) this.#odd('the server', `keeps ${server.watchers} watchers`)
  }

  /** By steps that grow: a handshake takes several turns of both sides, a long silence nothing. */
  async #wait(ms: number): Promise<void> {
    for (let [left, step] = [ms, 1]; left > 0; left -= step, step *= 2) {
      await this.#tick(Math.min(left, step))
    }
  }

  async #tick(ms: number): Promise<void> {
    await this.clock.advance(ms)
    for (const reader of this.#readers) reader.step()
    for (const publisher of this.#publishers) publisher.step()
    await this.clock.settle()
  }

  get #isQuiet(): boolean {
    if (!this.#publishers.every(({ isDone }) => isDone)) return false
    const { epoch, topic } = this.server
    const head = this.ledger.headOf(epoch)
    if (topic.ready !== undefined) return false
    return this.#readers.every(({ isRefused, place }) => {
      return !isRefused && place?.epoch === epoch && place.offset === head
    })
  }

  #who({ every, first }: Who): readonly Reader[] {
    return this.#readers.filter((_, index) => index % every === first % every)
  }

  #odd(who: string, text: string): void {
    this.#findings.push({ kind: 'odd', who, text, count: 1 })
  }
}
