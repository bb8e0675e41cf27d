// topics(): topics for clients that come back, over WebSocket and over HTTP, as one entry among the routes.
//
//   WebSocket at `path` (`windsock.v1.json`: several topics, resume) and at `path/:name` (plain messages)
//   HTTP at `path/:name`: poll, long poll, event stream; POST publishes
//
// One log, one set of rules, one Origin policy, whatever carries it.

import { type ErrorListener, printError, reportTo } from './error-listener.ts'
import { SESSION_LIMITS } from './handlers/session-limits.ts'
import { type AnyTopic, topicHandler } from './handlers/topic-handler.ts'
import { rulesOf, type TopicRules } from './handlers/topic-rules.ts'
import type { TopicsByName } from './handlers/topic-session.ts'
import { pattern } from './http/pattern.ts'
import { HandshakeRequest } from './http/request.ts'
import type { Inherited, PlainRequests } from './http/requests.ts'
import { checkBound } from './protocol/bound.ts'
import { SettingError, show } from './protocol/errors.ts'
import { MAX_TOPIC_LENGTH } from './protocol/resume.ts'
import { checkNames } from './protocol/setting-names.ts'
import type { Route } from './route.ts'
import { DEFAULT_SETTINGS, resolveSettings } from './route-settings.ts'
import { Broadcast } from './streams/broadcast.ts'
import { checkKeepsHistory } from './streams/history.ts'
import { resolveTopicLimits, TOPIC_LIMITS, type TopicLimitName } from './transport/topic-limits.ts'
import { TopicRequests, type TopicRequestsOptions } from './transport/topic-requests.ts'

/** Over HTTP: how long polls are held and event streams last, how large bodies may be, how many may wait. */
type HttpOptions = Pick<
  TopicRequestsOptions,
  'checkOrigin' | 'requireOrigin' | 'contentType' | TopicLimitName
>

/** Who may do what, and how much. Pages are let in by the server's settings unless these say otherwise. */
export type TopicsOptions = TopicRules &
  Omit<HttpOptions, 'heartbeatMs'> & {
    /**
     * Told of what rules throw over HTTP, of those that hang, and of what a journal refuses: each cause once a minute for
     * a topic. Default: the server's `onError`, which is told in any case of what comes over WebSocket.
     */
    readonly onError?: ErrorListener
    /** Milliseconds between two heartbeats of a session; each tells the topics' offsets. Default 25,000. */
    readonly heartbeatMs?: number
    /** The most bytes of one frame that a client sends. Default 64 KiB; above it 1009. */
    readonly maxFrameBytes?: number
    /** The most subscriptions of one session. Default 128; the next is refused. */
    readonly maxSubscriptions?: number
    /**
     * The most publishes of one WebSocket a second. Default 50; in a session the next is refused, and told when to come
     * again; a plain one waits its turn.
     */
    readonly maxPublishesPerSecond?: number
  }

const FUNCTIONS = ['mayRead', 'accept', 'joined', 'left', 'contentType', 'onError'] as const

const NAMES = Object.keys({
  mayRead: true,
  accept: true,
  joined: true,
  left: true,
  contentType: true,
  onError: true,
  checkOrigin: true,
  requireOrigin: true,
  ...SESSION_LIMITS,
  ...TOPIC_LIMITS,
} satisfies Record<keyof TopicsOptions, unknown>)

/** Finds a topic by its name, or makes it: rooms that come and go. `undefined`: there is none (404). */
export type FindTopic = (name: string) => AnyTopic | undefined

/**
 * Serves topics at `path`.
 *
 * @param path - such as `/topics`; a topic stands at `/topics/<its name>`. It has no parameters.
 * @param list - the topics; or a function that is asked for one whenever a client names it, with 1 to 255 bytes, before
 *   `mayRead` and `accept` are. Whatever it makes for a name it keeps itself, and bounds: anybody may ask for any.
 * @throws SettingError for an unknown option, a rule that is not a function, a topic without a history, a name that is empty
 *   or longer than 255 bytes, two of one name, a content type that is none, a path with a parameter, or a bound out of range.
 */
export function topics(
  path: string,
  list: readonly AnyTopic[] | FindTopic,
  options: TopicsOptions = {},
): readonly (Route | PlainRequests)[] {
  if (options instanceof Broadcast) {
    throw new SettingError(
      `topics() takes its topics as one array, as in topics('/topics', [news, chat])`,
    )
  }
  checkNames(options, NAMES)
  checkFunctions(options)
  checkPath(path)
  const { checkOrigin, requireOrigin, contentType } = options
  const byName = typeof list === 'function' ? foundBy(list, contentType) : listed(list, contentType)
  const rules = rulesOf(options)
  const factory = topicHandler(byName, rules, {
    heartbeatMs: bound(options, 'heartbeatMs'),
    frameBytes: bound(options, 'maxFrameBytes'),
    subscriptions: bound(options, 'maxSubscriptions'),
    publishPerSecond: bound(options, 'maxPublishesPerSecond'),
    answerTimeoutMs: resolveTopicLimits(options).answerTimeoutMs,
  })
  const settings = { checkOrigin, requireOrigin }
  resolveSettings(DEFAULT_SETTINGS, settings, 'route')
  const begin = (server: Inherited) =>
    new TopicRequests({
      ...options,
      prefix: path,
      topics: byName,
      rules,
      // The server's settings hold where these topics have none of their own, as they do for their WebSockets.
      checkOrigin: checkOrigin ?? server.checkOrigin,
      requireOrigin: requireOrigin ?? server.requireOrigin,
      report: reportTo(options.onError ?? server.onError ?? printError),
      requestOf: (upgrade, captured) => new HandshakeRequest(upgrade, captured),
    })
  // A mistake is told now.
  begin({})
  return [
    { kind: 'requests', begin },
    { kind: 'route', pattern: pattern(path), factory, settings },
    { kind: 'route', pattern: pattern(`${path === '/' ? '' : path}/:name`), factory, settings },
  ]
}

function checkFunctions(options: TopicsOptions): void {
  for (const name of FUNCTIONS) {
    const given: unknown = options[name]
    if (given === undefined || typeof given === 'function') continue
    throw new SettingError(`${name} is ${show(given)}: it must be a function`)
  }
}

function checkPath(path: string): void {
  if (typeof path === 'string' && /[:*{]/.test(path)) {
    throw new SettingError(
      `topics() stands at ${show(path)}: a path without parameters, below which each topic has its name; topics that come and go are found by a function in the place of the list`,
    )
  }
}

function foundBy(
  find: FindTopic,
  contentType: TopicsOptions['contentType'],
): TopicsByName<AnyTopic> {
  return {
    get(name) {
      if (!isName(name)) return undefined
      const found: unknown = find(name)
      if (found === undefined) return undefined
      checkTopic(found)
      if (found.name !== name) {
        throw new SettingError(`the topic found for ${show(name)} is called ${show(found.name)}`)
      }
      if (contentType !== undefined) checkContentType(name, contentType(name))
      return found
    },
  }
}

function listed(
  list: readonly AnyTopic[],
  contentType: TopicsOptions['contentType'],
): TopicsByName<AnyTopic> {
  const byName = topicsByName(list)
  if (contentType !== undefined) {
    for (const name of byName.keys()) checkContentType(name, contentType(name))
  }
  const only = byName.size === 1 ? list[0] : undefined
  return { get: (name) => byName.get(name), only }
}

function isName(name: string): boolean {
  const bytes = Buffer.byteLength(name)
  return bytes > 0 && bytes <= MAX_TOPIC_LENGTH
}

function checkTopic(one: unknown): asserts one is AnyTopic {
  if (!isTopic(one)) {
    throw new SettingError(
      `topics() was given ${show(one)} as a topic: make topics with topic(name, { history: { count: 1000 } })`,
    )
  }
  if (!isName(one.name)) {
    throw new SettingError(
      `a topic is called ${show(one.name)}: a name that clients can ask for has 1 to ${MAX_TOPIC_LENGTH} bytes`,
    )
  }
  checkKeepsHistory(one)
}

function isTopic(one: unknown): one is AnyTopic {
  return one instanceof Broadcast
}

function topicsByName(list: readonly AnyTopic[]): ReadonlyMap<string, AnyTopic> {
  if (!Array.isArray(list)) {
    throw new SettingError(
      `topics() needs an array, as in topics('/topics', [news]), or a function that finds a topic by its name, not ${show(list)}`,
    )
  }
  const byName = new Map<string, AnyTopic>()
  for (const one of list as readonly AnyTopic[]) {
    checkTopic(one)
    if (byName.has(one.name)) throw new SettingError(`two topics are called ${show(one.name)}`)
    byName.set(one.name, one)
  }
  return byName
}

/** RFC 9110 §8.3.1, with parameters as loose as a header allows. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[\t -~]*)?$/

function checkContentType(name: string, type: unknown): void {
  if (typeof type === 'string' && MEDIA_TYPE.test(type)) return
  throw new SettingError(
    `the contentType of the topic ${show(name)} is ${show(type)}: it must be a media type, such as text/plain`,
  )
}

function bound(options: TopicsOptions, name: keyof typeof SESSION_LIMITS): number {
  const limit = SESSION_LIMITS[name]
  return checkBound(name, options[name] ?? limit.default, limit)
}
