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

/** What keeps a client that comes back from its server, or has the server turn it away for good. */
const UNWELCOME: readonly string[] = [
  ...['close', 'closeRace', 'lateData', 'bytes', 'throw', 'reject', 'duplicate', 'abort'],
  // Half a frame, and what its application says behind it, is no frame.
  ...['cutInFrame', 'resetInFrame'],
  // A connection that works, if slowly, is not given up. One that is gone is, and so neither vanishing nor stalling is here.
  ...['delay', 'trickle', 'writeSlowly', 'gather', 'narrow', 'blackOut'],
]

/** Nothing in the script, or in the bounds, keeps this client from being back within the calm. */
export function isWelcome(
  client: number,
  bounds: World['bounds'],
  steps: World['script']['steps'],
): boolean {
  const { bufferBytes, latencyMs = 1, maxConnections } = bounds
  const { maxControlFramesPer10s = 100, pingIntervalMs = 30_000, pingTimeoutMs } = bounds
  const { pingTimeoutCode } = bounds
  // A server that closes with a code of its own has decided something.
  if (bufferBytes !== undefined || maxConnections !== undefined || pingTimeoutCode !== undefined) {
    return false
  }
  if (2 * latencyMs >= (pingTimeoutMs || Infinity)) return false
  // Each pong counts, whoever asked for it, and so do the pings of a script.
  if (maxControlFramesPer10s < 10_000 / pingIntervalMs + 30) return false
  const all = ['drain', 'disk', 'slowDisk', 'lateTimers']
  return !steps.some(
    (step) => all.includes(step.does) || (step.client === client && UNWELCOME.includes(step.does)),
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
