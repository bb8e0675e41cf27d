// Chat: one room for all, and the same thing by hand in rooms by name.
//
// `chatRoom()` is a topic with a handler. `/rooms/:room` shows what it does: listen to a topic, publish to it.

import { filter, map } from 'rxjs'
import { chatRoom, route, type Topic, topic } from 'windsock'

const rooms = new Map<string, Topic<string>>()
const MAX_ROOMS = 1_000

export const routes = [
  route('/chat', chatRoom()),
  route('/rooms/:room', (connection) => {
    const room = roomOf(connection.request.params['room'] ?? '')
    connection.messages$
      .pipe(
        filter((message) => typeof message === 'string'),
        map((text) => `${connection.id}: ${text}`),
      )
      .subscribe((line) => room.publish(line))
    return room
  }),
]

function roomOf(name: string): Topic<string> {
  const room = rooms.get(name) ?? topic<string>(name)
  if (rooms.size >= MAX_ROOMS && !rooms.has(name)) throw new Error('there are too many rooms')
  rooms.set(name, room)
  return room
}
