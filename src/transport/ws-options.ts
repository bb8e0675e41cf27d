// ws options: what our limits and settings come to as options of `ws`, where that is the same for both roles.
//
// What a server and a client set differently stands with each of them.

import type { PerMessageDeflateOptions } from 'ws'
import type { Compression } from '../protocol/compression.ts'
import type { RouteLimits } from '../protocol/limits.ts'

/** Chunks of the socket that one fragment may span, on average. */
const CHUNKS_PER_FRAGMENT = 16

/** The smallest chunk, on average, in which a message may trickle in: below the smallest TCP segment in use. */
const CHUNK_BYTES = 512

/**
 * How many chunks of the socket may wait for their frame to be complete, for `maxBufferedChunks` of `ws`.
 *
 * As many as the longest message needs, whatever `maxFragments` says: how TCP cuts up a frame is no fault of the peer's.
 */
export function maxBufferedChunks({ maxFragments, maxMessageBytes }: RouteLimits): number {
  const chunks = Math.max(
    maxFragments * CHUNKS_PER_FRAGMENT,
    Math.ceil(maxMessageBytes / CHUNK_BYTES),
  )
  // `ws` keeps 32 bits of it.
  return Math.min(chunks, 2 ** 31 - 1)
}

/** What is compressed, and how well, where the two sides agree on permessage-deflate. */
export interface DeflateChoice {
  readonly level: number
  readonly memLevel: number
  /** Shorter messages go uncompressed. */
  readonly thresholdBytes: number
}

/** A choice with its defaults filled in. */
export function deflateChoice(compression: Compression): DeflateChoice {
  const {
    level = 6,
    memLevel = 8,
    thresholdBytes = 1024,
  } = typeof compression === 'object' ? compression : {}
  return { level, memLevel, thresholdBytes }
}

/** The option `perMessageDeflate` of `ws`, for either role. */
export function deflateOptions(compression: Compression): false | PerMessageDeflateOptions {
  if (compression === false) return false
  const { level, memLevel } = deflateChoice(compression)
  // The transport says for each message whether it is to be compressed.
  return { threshold: 0, zlibDeflateOptions: { level, memLevel } }
}
