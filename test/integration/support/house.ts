// House: a server with one door, for tests of who gets in.

import { expect } from 'vitest'
import { type RouteSettings, route, type ServeOptions } from 'windsock'
import { RawClient, type RequestOptions, type Response, text } from './raw-client.ts'
import { start } from './test-server.ts'

type HouseSettings = RouteSettings & Pick<ServeOptions, 'trustedProxies'>

/** A server with one route, `/`, that counts how often it was opened. */
export async function house(
  { trustedProxies, ...settings }: HouseSettings = {},
  path: string | RegExp = '/',
) {
  let opened = 0
  const echo = route(
    path,
    ({ messages$ }) => {
      opened++
      return messages$
    },
    settings,
  )
  const server = await start({ routes: [echo], ...(trustedProxies && { trustedProxies }) })
  return { ...server, opened: () => opened }
}

/** Asks on a connection of its own and waits until the server has ended it. */
export async function ask(port: number, options: RequestOptions): Promise<Response> {
  const client = await RawClient.connect(port)
  const response = await client.request(options)
  if (response.status !== 101) await client.ended
  return response
}

/** Opens, echoes one message, and goes. */
export async function expectEcho(port: number, options: RequestOptions = {}): Promise<void> {
  const client = await RawClient.open(port, options)
  client.write(text('hello'))
  expect(await client.nextText()).toBe('hello')
  client.destroy()
}
