// Stand: the side of a measured server that faces the benchmark.
//
// It says which port the server got, answers marks with the CPU time used so far, and ends the
// process when the benchmark is gone, however it went. Nothing here runs while messages flow.

import { markNow, type Order, say } from '../words.ts'

/** Reports `port` to the benchmark and answers it until it goes away. */
export function standAt(port: number): void {
  process.on('message', (order: Order) => {
    if (order.type === 'mark') say(markNow(0))
  })
  process.on('disconnect', () => process.exit(0))
  say({ type: 'ready', port })
}
