// Appends to a journal as fast as it may, and tells its parent of each acknowledgement, until it is killed; or, with a
// number, until so many were acknowledged, and then exits with 7.

import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../../../dist/journal/sqlite-store.js'

const store = await openSqliteStore(process.argv[2])
let number = (await store.position('topic/load')).head
const exitAt = number + Number(process.argv[3])
let waiting = 0

/** To the pipe and not to a buffer of ours: what the parent has read was acknowledged before the kill. */
function tell(version) {
  for (;;) {
    try {
      writeSync(1, `${version}\n`)
      return
    } catch (thrown) {
      // The parent is slower than we are; it will read on.
      if (thrown.code !== 'EAGAIN') throw thrown
    }
  }
}

function more() {
  while (waiting < 500) {
    waiting++
    const data = `message ${++number} ${'x'.repeat(number % 300)}`
    const event = { type: 'text', schema: 1, atMs: 0, data }
    void store.append('topic/load', [event]).then(({ kept }) => {
      waiting--
      tell(kept[0].version)
      if (kept[0].version === exitAt) process.exit(7)
      if (waiting < 400) more()
    })
  }
}
more()
