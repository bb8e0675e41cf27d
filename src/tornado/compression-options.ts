// Compression options: permessage-deflate in Tornado's names, for handlers and for clients.
//
// Source: tornado.websocket, `get_compression_options`, `compression_options`.

import type { Compression } from '../protocol/compression.ts'
import { checkNames } from '../protocol/setting-names.ts'

/** permessage-deflate in Tornado's names; `{}` takes the defaults. */
export interface CompressionOptions {
  /** zlib level 0 … 9; default 6. */
  readonly compressionLevel?: number | undefined
  /** zlib memory level 1 … 9; default 8. */
  readonly memLevel?: number | undefined
}

/** No options are off, and any object is on. @throws SettingError for a name that is none. */
export function compressionOf(options: CompressionOptions | null | undefined): Compression {
  if (!options) return false
  checkNames(options, ['compressionLevel', 'memLevel'], 'compressionOptions')
  const { compressionLevel: level = 6, memLevel = 8 } = options
  // Tornado knows no threshold: what was agreed on holds for every message.
  return { level, memLevel, thresholdBytes: 0 }
}
