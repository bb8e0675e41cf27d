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

/** What ends a client that comes back, or has its server close with a code that is final. */
const FINAL: readonly string[] = [
  ...['close', 'closeRace', 'lateData', 'bytes'],
  // Half a frame, and what its application says behind it, is no frame.
  ...['cutInFrame', 'resetInFrame'],
]

/**
 * Nothing in the script, or in the bounds, keeps this client from being back within the calm. A network that is slow, or
 * gone, does not: the connection that it befell is given up, and the next one is as good as the first.
 */
export function isWelcome(
  client: number,
  bounds: World['bounds'],
  steps: World['script']['steps'],
): boolean {
  const { bufferBytes, latencyMs = 1, maxConnections, pingTimeoutCode } = bounds
  const { maxControlFramesPer10s = 100, pingIntervalMs = 30_000, pingTimeoutMs } = bounds
  // Every network of such a world is a slow reader, and may be closed as one.
  if (bufferBytes !== undefined) return false
  // A server that closes with a code of its own has decided something.
  if (maxConnections !== undefined || pingTimeoutCode !== undefined) return false
  if (2 * latencyMs >= (pingTimeoutMs || Infinity)) return false
  // Each pong counts, whoever asked for it, and so do the pings of a script.
  if (maxControlFramesPer10s < 10_000 / pingIntervalMs + 30) return false
  return !steps.some(
    (step) =>
      ['drain', 'disk'].includes(step.does) ||
      (step.client === client && FINAL.includes(step.does)),
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
