// Compression: what may be chosen about permessage-deflate (RFC 7692), the one extension (RFC 6455 §9) there is.
//
// Only the choice stands here, and what it may be; the work is the transport's.

import { checkBound } from './bound.ts'
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

const BOUNDS = {
  level: { min: 0, max: 9 },
  memLevel: { min: 1, max: 9 },
  thresholdBytes: { min: 0, max: 2 ** 31 - 1 },
}

/** Checks the setting when a server or route is made. @throws SettingError naming what is wrong, and what may be. */
export function checkCompression(compression: Compression): Compression {
  if (typeof compression === 'boolean') return compression
  if (typeof compression !== 'object' || compression === null) {
    throw new SettingError(
      `compression is ${show(compression)}: it must be true, false, or an object such as { level: 6 }`,
    )
  }
  checkNames(compression, Object.keys(BOUNDS), 'compression')
  for (const [name, value] of Object.entries(compression)) {
    checkBound(`compression.${name}`, value, BOUNDS[name as keyof typeof BOUNDS])
  }
  return compression
}
