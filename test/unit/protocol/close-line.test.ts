import { describe, expect, it } from 'vitest'
import { closeLine } from '../../../src/protocol/close-line.ts'
import type { CloseRecord } from '../../../src/protocol/close-record.ts'

const RECORD: CloseRecord = {
  connectionId: 'someone',
  initiator: 'peer',
  cause: 'peerClosed',
  detail: '',
  sent: { code: 1001, reason: '' },
  received: { code: 1001, reason: 'going away' },
  code: 1001,
  reason: 'going away',
  wasClean: true,
  status: null,
  startedAtMs: 0,
  durationMs: 12_345,
  silentForMs: 5,
  totals: {
    messagesReceived: 5,
    bytesReceived: 120,
    messagesSent: 7,
    bytesSent: 1024,
    messagesDropped: 0,
    bytesUnsent: 0,
  },
}

describe('a close record on one line', () => {
  it('says who ended it, why, with which frames, and what was counted', () => {
    expect(closeLine(RECORD)).toBe(
      'someone closed after 12.3 s by the peer: peerClosed, received 1001 "going away", sent 1001; ' +
        'in 5/120 B, out 7/1024 B',
    )
  })

  it('leaves out what there was not', () => {
    const lost = { ...RECORD, initiator: 'network', cause: 'transportLost', sent: null } as const
    expect(closeLine({ ...lost, received: null })).toBe(
      'someone closed after 12.3 s by the network: transportLost; in 5/120 B, out 7/1024 B',
    )
  })

  it('says what was refused, dropped and left unsent', () => {
    const refused = { initiator: 'local', cause: 'refused', detail: 'no such page', status: 404 }
    const totals = { ...RECORD.totals, messagesDropped: 3, bytesUnsent: 9 }
    const record = { ...RECORD, ...refused, sent: null, received: null, totals } as CloseRecord
    expect(closeLine(record)).toBe(
      'someone closed after 12.3 s by us: refused (no such page), HTTP 404; ' +
        'in 5/120 B, out 7/1024 B, dropped 3, unsent 9 B',
    )
  })

  it('stays one line, whatever the peer wrote into it', () => {
    const record = { ...RECORD, detail: 'a\nb', received: { code: 1000, reason: 'x\r\ny' } }
    expect(closeLine(record)).toContain('(a\\nb), received 1000 "x\\r\\ny"')
  })
})

it.each([
  ['a promise of one', Promise.resolve(RECORD)],
  ['the record of a connection that is not known', undefined],
  ['nothing', null],
  ['its id', 'someone'],
  ['an object of another kind', {}],
])('what is no close record is told: %s', (_, given) => {
  const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
  expect(() => closeLine(given as never)).toThrow(refusal)
})
