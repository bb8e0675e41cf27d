// Programs: an echo and a broadcast, the way the tutorial writes them, with every default left in place.
//
// That includes what bare `ws` does not have: the statechart of each connection, its pings, its byte budget, its
// journal. The package is imported by its own name, so what is measured is the build in `dist/`, as users get it.

import { route, type ServerSettings, serve, topic } from 'windsock'
import { standAt } from './stand.ts'

/** Serves both, with `settings` beside the defaults. */
export async function servePrograms(settings: ServerSettings): Promise<void> {
  const feed = topic<string>('feed')
  const server = await serve({
    ...settings,
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
}
