// Poll: asks, waits, and asks again.
//
// The last way there is: it needs nothing but requests that are answered.

import type { Exchange, Page, Place } from './exchange.ts'

/** How a topic is read over HTTP: pages, one or more for each request, from `place` on. */
export type Way = (
  exchange: Exchange,
  place: Place,
  cursor: string | undefined,
) => AsyncIterable<Page>

export const poll: Way = async function* (exchange, place) {
  const page = await exchange.ask(place)
  yield page
  if (page.upToDate) await exchange.sleep(exchange.options.numbers.pollMs)
}
