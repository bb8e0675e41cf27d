// Poll: asks, waits, and asks again.
//
// The last way there is: it needs nothing but requests that are answered.

import type { Way } from './exchange.ts'

export const poll: Way = async function* (exchange, place) {
  const page = await exchange.ask(place)
  yield page
  if (page.upToDate) await exchange.sleep(exchange.options.numbers.pollMs)
}
