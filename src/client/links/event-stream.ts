// Event stream: one answer that goes on, read through fetch.
//
// Not through EventSource: it shows no status, so that a position that is gone looks like a network that is, and Node
// has none. What a page of the stream says is complete with its `control` event, which names the place behind it.

import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { MessageItem } from '../../protocol/resume.ts'
import { Broken, broken, itemsIn, type Page, pageBound, positionIn } from './answer.ts'
import type { Way } from './exchange.ts'

interface Control {
  readonly streamNextOffset: string
  readonly streamCursor?: string
  readonly upToDate?: boolean
  readonly gap?: { readonly to: string }
}

export const eventStream: Way = async function* (exchange, place, cursor) {
  const live = { live: 'sse', ...(cursor && { cursor }) }
  const { clock } = exchange.options.environment
  const askedMs = clock.nowMs()
  const { response, pieces, done } = await exchange.open(place, live)
  try {
    if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream')) {
      throw new Broken('the answer is no event stream')
    }
    const pages = pageReader()
    for await (const text of pieces()) yield* pages.take(text)
  } catch (thrown) {
    throw broken(thrown)
  } finally {
    // Also when nobody wants more of it.
    done()
  }
  // It ends each minute, and goes on in the next one; one that ends at once is not asked for without a pause.
  if (clock.nowMs() - askedMs < 1_000) await exchange.sleep(exchange.options.numbers.pollMs)
}

/** Puts the pages of a stream together from its text. */
function pageReader() {
  let pages: Page[] = []
  let events: (readonly MessageItem[])[] = []
  let bound = pageBound()
  const parser = createParser({
    onEvent({ event, data }: EventSourceMessage) {
      if (event === 'data') events.push(itemsIn(JSON.parse(data)))
      if (event !== 'control') return
      const { streamNextOffset, streamCursor, upToDate, gap } = JSON.parse(data) as Control
      const next = positionIn(gap?.to ?? streamNextOffset)
      pages.push({
        items: events.flat(),
        next,
        upToDate: upToDate === true,
        cursor: streamCursor,
        ...(gap !== undefined && { gapTo: next.offset }),
      })
      events = []
      bound = pageBound()
    },
  })
  return {
    take(text: string): readonly Page[] {
      bound(text)
      parser.feed(text)
      const taken = pages
      pages = []
      return taken
    },
  }
}
