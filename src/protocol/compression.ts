// Compression: what may be chosen about permessage-deflate (RFC 7692), the one extension (RFC 6455 §9) there is.
//
// Only the choice stands here, and what it may be; the work is the transport's.

import { SettingError, show } from './errors.ts'
import { checkNames } from './setting-names.ts'

/** permessage-deflate (RFC 7692) for one route; `true` takes the defaults. */
export type Compression =
  | boolean
  | {
      /** zlib level 0 … 9; default 6. */
      readonly level?: number
      /** zlib memory level 1 … 9; default 8. */
      readonly memLevel?: number
      /** Messages below this many bytes are not compressed; default 1,024. */
      readonly thresholdBytes?: number
    }

const RANGES = { level: [0, 9], memLevel: [1, 9], thresholdBytes: [0, 2 ** 31 - 1] } as const

/** Checks the setting when a server or route is made. @throws SettingError naming what is wrong, and what may be. */
export function checkCompression(compression: Compression): Compression {
  if (typeof compression === 'boolean') return compression
  if (typeof compression !== 'object' || compression === null) {
    throw new SettingError(
      `compression is ${show(compression)}: it must be true, false, or an object such as { level: 6 }`,
    )
  }
  checkNames(compression, Object.keys(RANGES), 'compression')
  for (const [name, value] of Object.entries(compression)) {
    const [min, max] = RANGES[name as keyof typeof RANGES]
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new SettingError(
        `compression.${name} is ${show(value)}: it must be a whole number from ${min} to ${max}`,
      )
    }
  }
  return compression
}
