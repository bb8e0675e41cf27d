// Long poll: asks, and the server answers when there is news.
//
// The first question is answered at once: it tells where the topic stands, and that there is a way to ask at all.

import type { Way } from './exchange.ts'

export const longPoll: Way = async function* (exchange, place, cursor) {
  if (typeof place === 'string' || cursor === undefined) {
    // No cursor of the server's, which takes no notice of it; here it stands for "not the first".
    yield { ...(await exchange.ask(place)), cursor: '' }
    return
  }
  const { clock } = exchange.options.environment
  const askedMs = clock.nowMs()
  const page = await exchange.ask(place, {
    live: 'long-poll',
    ...(cursor !== '' && { cursor }),
  })
  yield page
  // A server that goes away answers at once, with nothing; asking it without a pause would not help it.
  if (page.items.length === 0 && clock.nowMs() - askedMs < 1_000) {
    await exchange.sleep(exchange.options.numbers.pollMs)
  }
}
