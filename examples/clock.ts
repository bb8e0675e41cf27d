// Clock: pushes the time to everyone, from one clock, however many look at it.
//
// `latest` lets a slow client skip: nobody wants the time of a while ago.

import { clockFeed, HandshakeError, route } from 'windsock'

export const routes = [
  route('/websocket', clockFeed({ everyMs: 1_000 }), {
    slow: 'latest',
    prepare: ({ query }) => {
      if (!query.get('Id')) throw new HandshakeError(400, 'say who you are: /websocket?Id=<id>')
    },
  }),
]
