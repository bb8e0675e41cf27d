// Simulate: world after world from one seed, each held to every law and every checker, until there have been enough.
//
// A batch has a seed of its own, so that one failure is repeated without all that came before it. Workers take batches
// in turn, so what is simulated depends on the seed and on their number alone.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { laws, trace } from 'windsock/testing'
import { check, Violation } from './checkers.ts'
import { Reached } from './reached.ts'
import { type World, worlds } from './world.ts'

export interface Options {
  readonly seed: number
  /** From one batch's seed to the next; default 1. */
  readonly stride?: number | undefined
  /** Enough is when so many connections have lived … */
  readonly lifetimes?: number | undefined
  /** … or so many minutes have passed. */
  readonly minutes?: number | undefined
  /** Repeats one run of the first batch, as fast-check printed it. */
  readonly path?: string | undefined
  readonly onBatch?: (reached: Reached, ms: number) => void
}

export interface Failure {
  readonly seed: number
  readonly path: string
  /** The world, made as small as it can be while it fails. */
  readonly world: string
  readonly why: string
}

export interface Outcome {
  readonly reached: Reached
  readonly ms: number
  /** A hash over all that happened, from all sides: the same for the same seed. */
  readonly trace: string
  readonly failure: Failure | undefined
}

const BATCH = 25

export async function simulate(options: Options): Promise<Outcome> {
  const { seed, stride = 1, lifetimes = Infinity, minutes = Infinity, path, onBatch } = options
  const reached = new Reached()
  const happened = createHash('sha256')
  const escaped: unknown[] = []
  const note = (thrown: unknown) => escaped.push(thrown)
  process.on('uncaughtException', note).on('unhandledRejection', note)
  const began = performance.now()
  const passed = () => performance.now() - began
  const outcome = (failure?: Failure): Outcome => {
    return { reached, ms: passed(), trace: happened.digest('hex').slice(0, 16), failure }
  }
  try {
    const isEnough = () => reached.lifetimes >= lifetimes || passed() >= minutes * 60_000
    for (let batch = seed; !isEnough(); batch += stride) {
      const property = fc.asyncProperty(worlds, async (world) => {
        escaped.length = 0
        const server = await world.run(reached.machine)
        reached.add(server)
        happened.update(trace(server))
        laws.all(server)
        await check(server, world)
        if (escaped.length > 0)
          throw new Violation('process', `it was reached by ${String(escaped[0])}`)
      })
      const parameters = { seed: batch, numRuns: BATCH, ...(path !== undefined && { path }) }
      const result = await fc.check(property, parameters)
      if (result.failed) {
        const [world] = result.counterexample as [World]
        const why = String((result.errorInstance as Error).message)
        return outcome({
          seed: batch,
          path: result.counterexamplePath ?? '',
          world: world.toString(),
          why,
        })
      }
      onBatch?.(reached, passed())
      if (path !== undefined) break
    }
    return outcome()
  } finally {
    process.off('uncaughtException', note).off('unhandledRejection', note)
  }
}
