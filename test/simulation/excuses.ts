// Excuses: what in a world, or in what befell one client, explains what a checker would otherwise complain of.

import type { Life } from 'windsock/testing'
import type { World } from './world.ts'

/** Paths whose handlers fail by themselves. */
const FAILING = [
  '/throwsInOpen',
  '/failsToDecide',
  '/rejectsToDecide',
  '/failsAtOrigin',
  '/failsAtSubprotocol',
  '/rejects',
  '/errors',
  '/sendsRubbish',
  '/closesBadly',
]
/** Their close hook fails, when the connection is over anyway. */
const FAILING_LATE = ['/leavesLoudly']

/** By how much whatever is due may be late: the process stood still, or its timers were late. */
export function delayOf(steps: World['script']['steps']): number {
  const lateMs = steps.map((step) => {
    if (step.does === 'freeze' || step.does === 'suspend') return step.ms
    // One after the other may be.
    return step.does === 'lateTimers' ? 3 * step.ms : 0
  })
  return lateMs.reduce((sum, ms) => sum + ms, 0)
}

/** What makes a client, or its network, slow to answer or unable to. */
export const UNKIND: readonly string[] = [
  ...['stall', 'vanish', 'ignorePings', 'delay', 'trickle', 'close', 'bytes', 'writeSlowly'],
  ...['gather', 'narrow', 'blackOut', 'breakPipe', 'lateData', 'closeRace', 'hangUp'],
]

/** Nothing in the script gives this client a reason not to answer pings in time. */
export function isHonest(
  client: number,
  bounds: World['bounds'],
  steps: World['script']['steps'],
): boolean {
  const { bufferBytes, latencyMs = 1, pingTimeoutMs = 10_000 } = bounds
  if (bufferBytes !== undefined || 2 * latencyMs >= (pingTimeoutMs || Infinity)) return false
  const still = ['freeze', 'suspend']
  return !steps.some(
    (step) => still.includes(step.does) || (step.client === client && UNKIND.includes(step.does)),
  )
}

/** Nothing in the script, or in the bounds, has the server turn this client away, or the client leave. */
export function isWelcome(
  client: number,
  { maxConnections, maxControlFramesPer10s = 100, pingIntervalMs = 30_000 }: World['bounds'],
  steps: World['script']['steps'],
): boolean {
  const own = ['close', 'bytes', 'throw', 'reject', 'duplicate', 'abort']
  const all = ['drain', 'disk', 'slowDisk', 'lateTimers']
  if (maxConnections !== undefined) return false
  // Each pong counts, whoever asked for it, and so do the pings of a script.
  if (maxControlFramesPer10s < 10_000 / pingIntervalMs + 30) return false
  return !steps.some(
    (step) => all.includes(step.does) || (step.client === client && own.includes(step.does)),
  )
}

export function hasFailed({ client, entries }: Life): boolean {
  if (entries.some(({ what }) => what === 'throws')) return true
  const slow = ['/stuck', '/slow', '/opensLateAndSlow', '/topics']
  return [...FAILING, ...FAILING_LATE, ...slow].includes(client.path)
}

/** Its request has a header that no client may send. */
export function asksBadly({ number }: Life['client'], steps: World['script']['steps']): boolean {
  return steps.some(
    (step) =>
      step.client === number &&
      step.does === 'connect' &&
      step.headers?.['sec-websocket-protocol'] !== undefined,
  )
}

/** Its handler takes its time with a message, or waits for a disk that does. */
export function isSlow(path: string, steps: World['script']['steps']): boolean {
  if (['/stuck', '/slow', '/rejects', '/opensLateAndSlow'].includes(path)) return true
  return path === '/topics' && steps.some(({ does }) => does === 'slowDisk')
}
