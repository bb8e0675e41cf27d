// Workers: the simulation on several threads at once.
//
// Each takes every so-manieth batch, so that none simulates what another does; what they met is added up. The first that
// fails ends them all.

import { createHash } from 'node:crypto'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Reached, type Tally } from './reached.ts'
import { type Options, type Outcome, simulate } from './simulate.ts'

type Told = { readonly lifetimes: number } | (Omit<Outcome, 'reached'> & { readonly tally: Tally })

/** @param onProgress - told how many lifetimes there have been, and after how many ms. */
export async function simulateOn(
  workers: number,
  options: Omit<Options, 'stride' | 'onBatch'>,
  onProgress: (lifetimes: number, ms: number) => void,
): Promise<Outcome> {
  if (workers === 1) {
    return simulate({ ...options, onBatch: (reached, ms) => onProgress(reached.lifetimes, ms) })
  }
  const began = performance.now()
  const counts = new Array<number>(workers).fill(0)
  const threads: Worker[] = []
  const outcomes = Array.from({ length: workers }, (_, index) => {
    const { lifetimes = Infinity } = options
    const seed = options.seed + index
    const own = { ...options, seed, stride: workers, lifetimes: Math.ceil(lifetimes / workers) }
    const thread = new Worker(new URL(import.meta.url), { workerData: own })
    threads.push(thread)
    return new Promise<Outcome>((resolve, reject) => {
      thread.on('error', reject)
      thread.on('message', (told: Told) => {
        if ('lifetimes' in told) {
          counts[index] = told.lifetimes
          return onProgress(
            counts.reduce((sum, count) => sum + count, 0),
            performance.now() - began,
          )
        }
        const { tally, ...rest } = told
        const reached = new Reached()
        reached.merge(tally)
        resolve({ ...rest, reached })
      })
    })
  })
  const failed = outcomes.map((one) =>
    one.then((outcome) => (outcome.failure === undefined ? new Promise<never>(() => {}) : outcome)),
  )
  const first = await Promise.race([Promise.all(outcomes), ...failed])
  await Promise.all(threads.map((thread) => thread.terminate()))
  if (!Array.isArray(first)) return first
  const reached = new Reached()
  for (const outcome of first) reached.merge(outcome.reached)
  const trace = createHash('sha256').update(first.map((one) => one.trace).join())
  const ms = performance.now() - began
  return { reached, ms, trace: trace.digest('hex').slice(0, 16), failure: undefined }
}

if (!isMainThread && parentPort !== null && workerData?.stride !== undefined) {
  const port = parentPort
  const { reached, ...rest } = await simulate({
    ...(workerData as Options),
    onBatch: ({ lifetimes }) => port.postMessage({ lifetimes } satisfies Told),
  })
  port.postMessage({ ...rest, tally: reached.tally } satisfies Told)
}
