// windsock, the way its tutorial writes an echo and a broadcast, with every default left in
// place.
//
// That includes what bare `ws` does not have: the statechart of each connection, its pings, its
// byte budget. The package is imported by its own name, so what is measured is the build in
// `dist/`, as users get it.

import { route, serve, topic } from 'windsock'
import { standAt } from './stand.ts'

const feed = topic<string>('feed')

const server = await serve({
  host: '127.0.0.1',
  port: 0,
  routes: [
    route('/echo', (connection) => connection.messages$),
    route('/broadcast', (connection) => {
      connection.messages$.subscribe((message) => {
        if (typeof message === 'string') feed.publish(message)
      })
      return feed
    }),
  ],
})

standAt(server.port)
