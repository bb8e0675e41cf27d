// The page of topics, and of the feeds that are made of them.

import { page, table } from './markdown.ts'
import { classMembersOf, type Member, membersOf, withoutTags, wordsOf } from './members.ts'

const BROADCAST = 'src/streams/broadcast.ts'

/** What `topics()` itself says to what answers for it. */
const INNER = ['prefix', 'requestOf', 'rules', 'random']

export function topicsPage(): string {
  return page(
    'Topics',
    'src/topic.ts, src/topics.ts and src/streams/',
    'A topic is an ordered broadcast: an Observable to read, `publish()` to write, and each message has an offset. A route ' +
      'that returns it gives it to its connections; [`topics()`](#topicspath-list-options) serves it to clients that come ' +
      'back. [How to](../how-to/durable-topics.md).',
    '## `topic(name, settings)`',
    words('src/topic.ts', 'topic'),
    settings(membersOf(BROADCAST, 'TopicOptions'), membersOf('src/topic.ts', 'TopicSettings')),
    'In a test also a `clock` and a `random` of its own.',
    '`history`, all of it optional:',
    settings(membersOf('src/streams/history.ts', 'HistoryOptions')),
    '## Every topic',
    'Beside what every Observable of RxJS has:',
    members([
      ...membersOf(BROADCAST, 'TopicLog').filter(({ name }) => name !== 'append'),
      ...classMembersOf(BROADCAST, 'Broadcast').filter(({ name }) => name.startsWith('subscriber')),
    ]),
    '`append` of either kind resolves with',
    members(membersOf(BROADCAST, 'Published')),
    'and takes, as `publish` of a durable topic does,',
    settings(membersOf(BROADCAST, 'PublishOptions')),
    '## A topic in memory',
    members(classMembersOf('src/streams/topic.ts', 'Topic')),
    '## A durable topic',
    members(classMembersOf('src/streams/durable-topic.ts', 'DurableTopic')),
    '## `topics(path, list, options)`',
    words('src/topics.ts', 'topics'),
    'Rules, asked and told whatever carries the request:',
    settings(membersOf('src/handlers/topic-rules.ts', 'TopicRules')),
    'And these; the other numbers are among the [limits](limits.md#for-topics-over-websocket):',
    settings(
      membersOf('src/transport/topic-requests.ts', 'TopicRequestsOptions').filter(
        ({ name }) => !INNER.includes(name),
      ),
      membersOf('src/topics.ts', 'TopicsOptions'),
    ),
    '## `chatRoom(options)`',
    words('src/streams/chat.ts', 'chatRoom'),
    settings(membersOf('src/streams/chat.ts', 'ChatRoomOptions')),
    '## `clockFeed(options)`',
    words('src/streams/clock.ts', 'clockFeed'),
    settings(membersOf('src/streams/clock.ts', 'ClockFeedOptions')),
  )
}

function words(path: string, name: string): string {
  return withoutTags(wordsOf(path, name))
}

function settings(...lists: readonly (readonly Member[])[]): string {
  return rows('Setting', lists.flat())
}

function members(list: readonly Member[]): string {
  return rows('Member', list)
}

function rows(what: string, list: readonly Member[]): string {
  return table(
    [what, 'Meaning'],
    list.map(({ signature, text }) => [`\`${signature}\``, withoutTags(text)]),
  )
}
