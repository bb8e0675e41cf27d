// Compression: what may be chosen about permessage-deflate (RFC 7692), the one extension (RFC 6455 §9) there is.
//
// Only the choice stands here; the ranges are checked where routes are made, and the work is the transport's.

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
