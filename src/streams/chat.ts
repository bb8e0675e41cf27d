// Chat: a room that tells everyone who joined, who said what, and who left, in one order for all.
//
// A topic with three kinds of line. The lines are plain text, as people read them:
//   [<address>] joined the chat      [<address>] says: <text>      [<address>] left the chat

import { Observable } from 'rxjs'
import type { Message } from '../protocol/message.ts'
import { Topic } from './topic.ts'

/** What the room needs to know of a connection. */
export interface ChatMember {
  readonly request: { readonly remoteAddress: string }
  readonly messages$: Observable<Message>
}

/** Where the lines go; a `Topic` of strings by default, so that others may listen or speak too. */
export interface ChatRoomOptions {
  readonly topic?: Topic<string>
}

/**
 * A handler for one room: whoever connects is in it, the speaker hears himself.
 *
 * A newcomer hears his own joining first. Binary messages are not speech and are ignored.
 */
export function chatRoom(
  options: ChatRoomOptions = {},
): (member: ChatMember) => Observable<string> {
  const lines = options.topic ?? new Topic<string>('chat')
  return (member) =>
    new Observable<string>((subscriber) => {
      const who = `[${member.request.remoteAddress}]`
      const listening = lines.subscribe(subscriber)
      lines.publish(`${who} joined the chat`)
      const speaking = member.messages$.subscribe((message) => {
        if (typeof message === 'string') lines.publish(`${who} says: ${message}`)
      })
      return () => {
        speaking.unsubscribe()
        listening.unsubscribe()
        lines.publish(`${who} left the chat`)
      }
    })
}
