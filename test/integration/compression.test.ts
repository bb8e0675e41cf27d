// Compression: which messages of a route go out deflated, once it was agreed on (RFC 7692 §7.2.1).

import { describe, expect, it } from 'vitest'
import { type Compression, route } from 'windsock'
import { RawClient, text } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const DEFLATED = 4 // RSV1

describe('a connection that agreed on permessage-deflate', () => {
  it.each<[string, Compression, string]>([
    ['with context takeover', true, 'permessage-deflate'],
    ['without', true, 'permessage-deflate; server_no_context_takeover'],
    ['with a threshold of its own', { thresholdBytes: 8 }, 'permessage-deflate'],
  ])('spares messages below the threshold, %s', async (_, compression, offer) => {
    const echo = route('/', (connection) => connection.messages$, { compression })
    const { port } = await start({ routes: [echo] })
    const client = await RawClient.connect(port)
    await client.upgrade({ headers: { 'Sec-WebSocket-Extensions': offer } })
    const threshold = compression === true ? 1024 : 8
    const seen: (number | undefined)[] = []
    for (const length of [threshold - 1, threshold]) {
      client.write(text('a'.repeat(length)))
      seen.push((await client.next())?.rsv)
    }
    expect(seen).toEqual([0, DEFLATED])
  })
})
