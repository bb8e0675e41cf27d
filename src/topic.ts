// topic(): makes a topic, in memory or durable, with live time and chance.
//
// The two kinds and what they share stand in `streams/`; this is where they get their ports.

import { printError } from './error-listener.ts'
import type { Journal } from './journal/journal.ts'
import { checkJournal } from './open-journal.ts'
import { openTopic } from './open-topics.ts'
import { describe, JournalError, SettingError, show, WebSocketError } from './protocol/errors.ts'
import type { Sendable } from './protocol/message.ts'
import type { Clock } from './protocol/ports.ts'
import { checkNames } from './protocol/setting-names.ts'
import type { TopicOptions, TopicPorts } from './streams/broadcast.ts'
import { DEFAULT_COUNT, DurableTopic } from './streams/durable-topic.ts'
import { checkHistory } from './streams/history.ts'
import { Refusals } from './streams/refusals.ts'
import { Topic } from './streams/topic.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'

/** What `topic()` takes: a history, a journal that makes it durable, and other ports for tests. */
export type TopicSettings = TopicOptions &
  Partial<TopicPorts> & {
    /** Where messages are kept before anyone gets them; without it they are in memory. */
    readonly durable?: Journal
  }

const NAMES = Object.keys({
  history: true,
  durable: true,
  onSubscriberError: true,
  clock: true,
  random: true,
} satisfies Record<keyof TopicSettings, true>)

/**
 * Makes a topic: an ordered broadcast, an Observable to read, `publish()` to write.
 *
 * With `durable: await openJournal(file)` its messages, offsets and epoch survive a restart, and `publish()` gives a
 * promise. A second call with the same name and journal gives the same topic, as long as anyone holds it.
 *
 * @throws SettingError for a setting that is none, for a history out of range, and for one that a topic which is open
 *   does not keep.
 */
export function topic<T extends Sendable>(
  name: string,
  settings: TopicSettings & { readonly durable: Journal },
): DurableTopic<T>
export function topic<T extends Sendable>(
  name: string,
  settings?: TopicSettings & { readonly durable?: undefined },
): Topic<T>
export function topic<T extends Sendable>(
  name: string,
  settings: TopicSettings = {},
): Topic<T> | DurableTopic<T> {
  if (typeof name !== 'string' || name === '') {
    throw new SettingError(`the name of a topic is ${show(name)}: it must be a text, not empty`)
  }
  checkNames(settings, NAMES)
  checkKinds(settings)
  const { durable, clock = liveClock, random = liveRandom, ...given } = settings
  const options = { onSubscriberError: printFirst(name), ...given }
  checkJournal('durable', durable)
  const ports = { clock, random }
  if (durable === undefined) return new Topic<T>(name, options, ports)
  const { store } = durable
  const history = checkHistory(options.history, DEFAULT_COUNT)
  return openTopic(durable, name, { history, ports }, () => {
    return new DurableTopic<T>(name, store, options, ports, printRefusals(name, clock))
  })
}

function checkKinds({ onSubscriberError, clock, random }: TopicSettings): void {
  if (onSubscriberError !== undefined && typeof onSubscriberError !== 'function') {
    throw new SettingError(
      `onSubscriberError is ${show(onSubscriberError)}: it must be a function of what was thrown`,
    )
  }
  if (clock !== undefined && typeof clock?.wallMs !== 'function') {
    throw new SettingError(`clock is ${show(clock)}: it must be a Clock, as that of a harness`)
  }
  if (random !== undefined && typeof random?.bytes !== 'function') {
    throw new SettingError(`random is ${show(random)}: it must be a Random`)
  }
}

// A subscriber that throws is a mistake that must not go unseen; but it may do so with every message.
function printFirst(name: string): (thrown: unknown) => void {
  let isPrinted = false
  return (cause) => {
    if (isPrinted) return
    isPrinted = true
    const message = `a subscriber of the topic ${show(name)} threw: ${describe(cause)} (from here on this is counted, in subscriberErrors)`
    printError(new WebSocketError('ERR_WINDSOCK_UNHANDLED', message, { fault: 'bug', cause }))
  }
}

// Most programs leave the promise of a publish alone, and then nobody would know that nothing is kept, or told to anyone.
function printRefusals(name: string, clock: Clock): (thrown: unknown) => void {
  const refusals = new Refusals()
  return (thrown) => {
    if (!(thrown instanceof JournalError)) return
    // That is what whoever names the offset has asked to be told.
    if (thrown.code === 'ERR_WINDSOCK_JOURNAL_CONFLICT') return
    if (!refusals.isNews(name, thrown, clock.nowMs())) return
    const message = `the topic ${show(name)} could not publish, and nobody got the message: ${thrown.message}`
    printError(new WebSocketError(thrown.code, message, { cause: thrown }))
  }
}
