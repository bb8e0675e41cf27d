// Print: what went over a wire, short enough to read and exact enough to tell apart.
//
// Texts stand in quotes with what is invisible escaped, bytes in hex; what is long says how long.

const MAX_SHOWN = 48

/** A text or bytes, on one line. */
export function printed(data: string | Uint8Array): string {
  if (typeof data === 'string') {
    const text = JSON.stringify(data.length > MAX_SHOWN ? data.slice(0, MAX_SHOWN) : data)
    return data.length > MAX_SHOWN ? `${text}… (${data.length} characters)` : text
  }
  const bytes = [...data.subarray(0, MAX_SHOWN / 2)]
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const more = data.length > bytes.length ? '…' : ''
  return data.length === 0 ? 'no bytes' : `${data.length} bytes ${hex}${more}`
}
