// Appends to a journal as fast as it may, and tells its parent of each acknowledgement, until it is killed.

import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../../../dist/journal/sqlite-store.js'

const store = await openSqliteStore(process.argv[2])
let number = (await store.position('topic/load')).head
let waiting = 0

/** To the pipe and not to a buffer of ours: what the parent has read was acknowledged before the kill. */
function tell(version) {
  for (;;) {
    try {
      return writeSync(1, `${version}\n`)
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
    void store
      .append('topic/load', [{ type: 'text', schema: 1, atMs: 0, data }])
      .then(({ kept }) => {
        waiting--
        // To the pipe and not to a buffer of ours: what the parent has read was acknowledged before the kill.
        writeSync(1, `${kept[0].version}\n`)
        if (waiting < 400) more()
      })
  }
}
more()
