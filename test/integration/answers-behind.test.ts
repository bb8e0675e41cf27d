import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { page, topic, topics } from 'windsock'
import { Mailbox } from './support/mailbox.ts'
import { start } from './support/test-server.ts'

it('answers behind one another are over when their client is gone, and close() waits for none', async () => {
  const news = topic<string>('news', { history: { count: 10 } })
  const asked = new Mailbox<string>()
  const routes = [
    page('/', 'package.json'),
    topics('/t', [news], { mayRead: () => asked.put('asked') }),
  ]
  const { server, port } = await start({ routes, closeTimeoutMs: 60_000 })
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // The first waits, so that the others wait behind it.
  const poll = 'GET /t/news?offset=now&live=long-poll HTTP/1.1\r\nHost: a\r\n\r\n'
  socket.write(poll + 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4))
  await asked.next()
  socket.resetAndDestroy()
  await once(socket, 'close')
  expect(await server.close()).toBeUndefined()
}, 20_000)
