// HTTP answer: what goes with a status into the response to an upgrade request.
//
// Plain data, so that it can stand in an event. Knows nothing of how it is written to a socket.

/** Headers of a response; several of one name are a list, each a line of its own (RFC 6265 §3: Set-Cookie). */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>

export const NO_HEADERS: ResponseHeaders = Object.freeze({})

/** The body of a response; its type and length are told by the headers, or else by whoever writes it. */
export type ResponseBody = string | Uint8Array
