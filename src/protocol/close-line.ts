// Close line: a close record as one line of a log.
//
//   3kF… closed after 12.3 s by the peer: peerClosed, received 1001 "going away", sent 1001; in 5/120 B, out 7/1024 B

import type { CloseFrame, CloseRecord } from './close-record.ts'
import { SettingError, show } from './errors.ts'
import { printable } from './printable.ts'

const WHO = { local: 'by us', peer: 'by the peer', network: 'by the network' } as const

/**
 * One line, whatever the peer wrote into it; reasons and details are escaped, and cut at 200 bytes.
 *
 * @throws SettingError for what is no close record, such as the promise of one.
 */
export function closeLine(record: CloseRecord): string {
  checkRecord(record)
  const { connectionId, initiator, cause, detail, received, sent, status, totals } = record
  const parts = [
    detail === '' ? cause : `${cause} (${printable(detail)})`,
    status === null ? '' : `HTTP ${status}`,
    received === null ? '' : `received ${frame(received)}`,
    sent === null ? '' : `sent ${frame(sent)}`,
  ].filter((part) => part !== '')
  const counted = [
    `in ${totals.messagesReceived}/${totals.bytesReceived} B`,
    `out ${totals.messagesSent}/${totals.bytesSent} B`,
    totals.messagesDropped === 0 ? '' : `dropped ${totals.messagesDropped}`,
    totals.bytesUnsent === 0 ? '' : `unsent ${totals.bytesUnsent} B`,
  ].filter((part) => part !== '')
  const seconds = (record.durationMs / 1000).toFixed(1)
  return `${connectionId} closed after ${seconds} s ${WHO[initiator]}: ${parts.join(', ')}; ${counted.join(', ')}`
}

function checkRecord(record: unknown): void {
  const { totals, initiator } = (record ?? {}) as Partial<CloseRecord>
  if (typeof totals === 'object' && initiator !== undefined) return
  const what = record instanceof Promise ? 'a promise' : show(record)
  throw new SettingError(
    `closeLine() was given ${what}: give it a close record, as in closeLine(await connection.closed)`,
  )
}

function frame({ code, reason }: CloseFrame): string {
  return reason === '' ? String(code) : `${code} "${printable(reason)}"`
}
