// Chat: a room that tells everyone who joined, who said what, and who left, in one order for all.
//
// A topic with three kinds of line. The lines are plain text, as people read them:
//   [<address>] joined the chat      [<address>] says: <text>      [<address>] left the chat

import { Observable } from 'rxjs'
import { SettingError, show } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import { checkCalled, checkNames } from '../protocol/setting-names.ts'
import { Broadcast } from './broadcast.ts'
import type { DurableTopic } from './durable-topic.ts'
import { checkLast } from './replay.ts'
import { Topic } from './topic.ts'

/** What the room needs to know of a connection. */
export interface ChatMember {
  /** Its address is the member's name. */
  readonly request: { readonly remoteAddress: string }
  /** What the member says. */
  readonly messages$: Observable<Message>
}

/** What `chatRoom()` takes. */
export interface ChatRoomOptions {
  /** Where the lines go, so that others may listen or speak, too. Default: a topic of the room's own. */
  readonly topic?: Topic<string> | DurableTopic<string>
  /**
   * Lines of the past that a newcomer is shown, as far as the topic's history goes. Default 0; for more the topic must
   * have a history, which a room's own has not.
   */
  readonly last?: number
}

/** What a newcomer or a speaker is told when the room's journal takes nothing. */
const NOT_KEPT = 'the room cannot take this line now; try again later'

/**
 * A handler for one room: whoever connects is in it, the speaker hears himself.
 *
 * A newcomer hears his own joining first. Binary messages are not speech and are ignored.
 *
 * @throws SettingError for an option that is none, or is not what it must be, and for `last` of a topic without a
 *   history.
 */
export function chatRoom(
  options: ChatRoomOptions = {},
): (member: ChatMember) => Observable<string> {
  checkCalled('chatRoom', options)
  if (options instanceof Broadcast) {
    throw new SettingError('chatRoom() takes its topic by name: chatRoom({ topic })')
  }
  checkNames(options, ['topic', 'last'])
  const { topic: lines = new Topic<string>('chat'), last = 0 } = options
  if (!(lines instanceof Broadcast)) {
    throw new SettingError(`topic is ${show(lines)}: it must be a topic, as in topic('chat')`)
  }
  checkLast(last, lines)
  return (member) =>
    new Observable<string>((subscriber) => {
      const tell = (line: string) => {
        const published = lines.publish(line)
        // A durable room may refuse: whoever spoke has to know, the others heard nothing.
        if (published instanceof Promise) published.catch(() => subscriber.next(NOT_KEPT))
      }
      const who = `[${member.request.remoteAddress}]`
      const source: Observable<string> = last > 0 ? lines.last(last) : lines
      const listening = source.subscribe(subscriber)
      tell(`${who} joined the chat`)
      const speaking = member.messages$.subscribe((message) => {
        if (typeof message === 'string') tell(`${who} says: ${message}`)
      })
      return () => {
        speaking.unsubscribe()
        listening.unsubscribe()
        tell(`${who} left the chat`)
      }
    })
}
