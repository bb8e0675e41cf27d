// Descriptors: how many sockets this process may hold.
//
// At the descriptor limit Node closes new sockets without a word to anyone, so we refuse before it comes to that.

import { readFileSync } from 'node:fs'

/** Kept for files, the store and everything else that is not a connection. */
const RESERVED = 256

/** The process's descriptor limit less a reserve, or `undefined` where the system does not tell. */
export function descriptorLimit(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line === null ? undefined : Math.max(1, Number(line[1]) - RESERVED)
  } catch {
    return undefined
  }
}
