// The close ledger of a real server: as a stream, by id, in a file that outlives it, and as lines of a log.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type CloseRecord, closeLine, fold, openJournal, route } from 'windsock'
import { RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

it('each connection leaves one record: in the stream, by its id, and after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-ledger-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'journal.db')
  const journal = await openJournal(file)
  const { server, port } = await start({
    journal,
    routes: [
      route('/', ({ messages$ }) => messages$),
      route('/fails', () => {
        throw new Error('on\npurpose')
      }),
    ],
    onError: () => {},
  })
  const streamed: CloseRecord[] = []
  server.closed$.subscribe((record) => streamed.push(record))

  const polite = await RawClient.open(port)
  polite.write(text('hello'))
  await polite.nextText()
  polite.destroy()
  const failed = await RawClient.open(port, { path: '/fails?token=secret' })
  await failed.nextClose()
  failed.destroy()
  await server.close()
  expect(streamed).toHaveLength(2)
  await journal.close()

  const again = await openJournal(file)
  const { records } = await again.closeRecords()
  expect(records).toEqual(streamed.toReversed())
  for (const record of streamed) {
    expect(await again.closeRecord(record.connectionId)).toEqual(record)
    const life = await again.life(record.connectionId)
    expect(fold(life)?.output).toEqual(record)
    // The default keeps neither what was said nor what stood in the query.
    expect(JSON.stringify(life)).not.toMatch(/hello|secret/)
    expect(closeLine(record).split('\n')).toHaveLength(1)
  }
  await again.close()
})

it('a route may ask for sizes, or for payloads, and redact says what of them is kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-ledger-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const journal = await openJournal(join(folder, 'journal.db'), {
    redact: (event) =>
      event.type === 'MessageSent' ? { ...event, data: { ...event.data, payload: '…' } } : event,
  })
  const { server, port } = await start({
    journal,
    routes: [route('/', ({ messages$ }) => messages$, { journalLevel: 'payloads' })],
  })
  const client = await RawClient.open(port)
  client.write(text('größer'))
  await client.nextText()
  client.destroy()
  await server.close()
  const { records } = await journal.closeRecords()
  const life = await journal.life(records[0]?.connectionId ?? '')
  const messages = life.filter(({ type }) => type.startsWith('Message'))
  expect(messages.map(({ type, data }) => ({ type, ...data }))).toEqual([
    { type: 'MessageReceived', kind: 'text', bytes: 8, payload: 'größer' },
    { type: 'MessageSent', kind: 'text', bytes: 8, payload: '…' },
  ])
  expect(fold(life)?.output).toEqual(records[0])
  await journal.close()
})
