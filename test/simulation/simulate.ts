// Simulate: world after world from one seed, each held to every law and every checker, until there have been enough.
//
// A batch has a seed of its own, so that one failure is repeated without all that came before it.

import fc from 'fast-check'
import { laws } from 'windsock/testing'
import { check, Violation } from './checkers.ts'
import { Reached } from './reached.ts'
import { type World, worlds } from './world.ts'

export interface Options {
  readonly seed: number
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
  readonly world: World
  readonly error: Error
}

export interface Outcome {
  readonly reached: Reached
  readonly ms: number
  readonly failure: Failure | undefined
}

const BATCH = 25

export async function simulate(options: Options): Promise<Outcome> {
  const { seed, lifetimes = Infinity, minutes = Infinity, path, onBatch } = options
  const reached = new Reached()
  const escaped: unknown[] = []
  const note = (thrown: unknown) => escaped.push(thrown)
  process.on('uncaughtException', note).on('unhandledRejection', note)
  const began = performance.now()
  const passed = () => performance.now() - began
  try {
    for (let batch = seed; reached.lifetimes < lifetimes && passed() < minutes * 60_000; batch++) {
      const property = fc.asyncProperty(worlds, async (world) => {
        escaped.length = 0
        const server = await world.run(reached.machine)
        reached.add(world, server)
        laws.all(server)
        await check(server, world)
        if (escaped.length > 0)
          throw new Violation('process', `it was reached by ${String(escaped[0])}`)
      })
      const parameters = { seed: batch, numRuns: BATCH, ...(path !== undefined && { path }) }
      const result = await fc.check(property, parameters)
      if (result.failed) {
        const [world] = result.counterexample as [World]
        const error = result.errorInstance as Error
        const found = { seed: batch, path: result.counterexamplePath ?? '', world, error }
        return { reached, ms: passed(), failure: found }
      }
      onBatch?.(reached, passed())
      if (path !== undefined) break
    }
    return { reached, ms: passed(), failure: undefined }
  } finally {
    process.off('uncaughtException', note).off('unhandledRejection', note)
  }
}
