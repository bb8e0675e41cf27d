// Stand: the side of a measured server that faces the benchmark.
//
// It says which port the server got, answers marks with the CPU time used so far, and ends the
// process when the benchmark is gone, however it went. Nothing here runs while messages flow.

import { markNow, type Order, say } from '../words.ts'

// V8 starts a mark-compact for external memory (the 64 KiB buffers that sockets are read into) only when the heap
// holds more than 8 MB. Bare `ws` in an empty process stays below that, which no real program does: at 64 KB a
// message its cost per message tripled here as soon as the process held 5 MB of anything. So both servers hold
// this much, and the comparison is of what they do, not of how little else is there.
const BALLAST_OBJECTS = 100_000
const ballast = Array.from({ length: BALLAST_OBJECTS }, (_, index) => ({ index, text: `${index}` }))

/** Reports `port` to the benchmark and answers it until it goes away. */
export function standAt(port: number): void {
  process.on('message', (order: Order) => {
    if (order.type === 'mark') say(markNow(0))
    // Looked at now and then, so that it is not collected.
    if (ballast.length !== BALLAST_OBJECTS) process.exit(1)
  })
  process.on('disconnect', () => process.exit(0))
  say({ type: 'ready', port })
}
