// Message: what users send and receive, as opposed to frames, which only a transport sees.
//
// RFC 6455 §5.6 knows two kinds of data: text (UTF-8) and binary. Text is a `string` here, binary is a
// `Uint8Array`. Knows nothing of sockets, nor of what `ws` does behind the transport: frames (§5.2), masks (§5.3),
// fragments (§5.4), and text that is not UTF-8 (§8.1).

import { describe, typeName, WebSocketError } from './errors.ts'

/** A whole message as it arrives: text is a `string`, binary is a `Uint8Array`. */
export type Message = string | Uint8Array

/** What may be sent: a message, or an object or array that travels as JSON text; no promise, and no Observable. */
export type Sendable =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Readonly<Record<string, unknown>>
  | (object & NoPromise)

/** A forgotten `await`, or `map` in the place of `concatMap`, does not compile. */
interface NoPromise {
  readonly then?: never
  readonly subscribe?: never
}

const shared = new WeakSet<Uint8Array>()

/**
 * Turns what a user sends into a message.
 *
 * Strings go as text; `ArrayBuffer`s and views as binary, without a copy, so do not change the bytes
 * afterwards; other objects and arrays as JSON text.
 *
 * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for numbers, booleans, functions, `null`, `undefined`,
 *   for objects that JSON cannot express (cycles, `BigInt`, a `toJSON` that yields nothing), and for those of which it
 *   would leave nothing but `{}`: promises, Observables, errors, maps, sets.
 */
export function toMessage(value: Sendable): Message {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'object' || value === null) throw unsendable(unexpressed(value))
  // A value published to many is encoded once, for as long as it is delivered: its owner may change it afterwards.
  return value === delivery?.value ? delivery.message : encode(value)
}

/** A value that goes to many, and its message. */
export interface Shared<T = Sendable> {
  readonly value: T
  readonly message: Message
}

/**
 * Makes `value` ready to be sent to many: encoded now, once for all of them.
 *
 * Bytes are copied, because their owner may reuse them for the next message: an `ArrayBuffer` or a view becomes its copy, of
 * the same kind.
 *
 * @throws WebSocketError as `toMessage`.
 */
export function share<T extends Sendable>(value: T): Shared<T> {
  const message = typeof value === 'object' && value !== null ? encode(value) : toMessage(value)
  if (typeof message === 'string') return { value, message }
  const copy = sharedCopy(message)
  return { value: sameKind(value as object, copy) as T, message: copy }
}

function sameKind(value: object, copy: Uint8Array): object {
  if (value instanceof Uint8Array) return copy
  if (isBuffer(value)) return copy.buffer
  // Not its own constructor: that of a class which extends one of them may take something else.
  const kind = (value as { readonly [Symbol.toStringTag]: 'DataView' })[Symbol.toStringTag]
  return new globalThis[kind](copy.buffer)
}

function sharedCopy(bytes: Uint8Array): Uint8Array {
  const copy = copyOf(bytes)
  shared.add(copy)
  return copy
}

/** The bytes in memory of their own, which nobody else changes. */
export function copyOf<T extends Uint8Array>(bytes: T): T {
  // Not its own `slice`: that of a Buffer copies nothing.
  return Uint8Array.prototype.slice.call(bytes) as T
}

/** Fewer bytes than these may stand in memory that they share with others, as Node's small buffers do. */
export const SMALL_BYTES = 4_096

/** Bytes that may be kept: a small view is copied, because it would keep alive all of the memory that it is part of. */
export function ownBytes<T extends Uint8Array>(bytes: T): T {
  return bytes.byteLength < SMALL_BYTES && bytes.byteLength < bytes.buffer.byteLength
    ? copyOf(bytes)
    : bytes
}

/** Whether these bytes are a copy that `share` made, which nobody changes. */
export function isShared(bytes: Uint8Array): boolean {
  return bytes === delivery?.message || shared.has(bytes)
}

/** A message on its way to many; whatever is made of it for one of them is kept here for the others. */
export interface Delivery extends Shared<unknown> {
  /** By who made it. It lives as long as somebody delivers, or still has to send, what is in it. */
  readonly forms: Map<object, object>
}

/** Gives the message of `next` to many: while `give` runs, `deliveryOf` finds it. One may run inside another. */
export function deliver(next: Delivery, give: () => void): void {
  const before = delivery
  delivery = next
  try {
    give()
  } finally {
    delivery = before
  }
}

let delivery: Delivery | undefined

/** The delivery to many that is under way, if it is of this very message. */
export function deliveryOf(message: Message): Delivery | undefined {
  return delivery?.message === message ? delivery : undefined
}

function encode(value: object): Message {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  return isBuffer(value) ? new Uint8Array(value) : jsonOf(value)
}

/** Those of other realms, too, as a test runner's may be. */
function isBuffer(value: object): value is ArrayBufferLike {
  return /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))
}

/** The JSON text of an object as it is now. @throws WebSocketError as `toMessage`. */
export function jsonOf(value: object): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (cause) {
    // Of a cycle the engine also draws a picture, on further lines; it is in the cause.
    throw unsendable(unexpressed(value, ` (${describe(cause).replace(/\n.*/s, '')})`), cause)
  }
  if (json === undefined) throw unsendable(unexpressed(value, ' (its toJSON() yields nothing)'))
  const lost = whatIsLost(value, json)
  if (lost !== undefined) throw unsendable(lost)
  return json
}

/** What an object is of which JSON says nothing, and what to do about it. */
function whatIsLost(value: object, json: string): string | undefined {
  const { then, subscribe, toJSON } = value as Record<string, unknown>
  if (typeof toJSON === 'function') return undefined
  if (typeof subscribe === 'function') {
    return 'an Observable: send what it emits, in a stream by concatMap or mergeMap in the place of map'
  }
  if (typeof then === 'function') {
    return 'a promise: await it first, in a stream by concatMap in the place of map'
  }
  if (json !== '{}' || isPlain(value)) return undefined
  return `a value of type ${value.constructor?.name ?? 'object'}, of which JSON would leave {}: send a plain object or an array of what it has`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function unsendable(what: string, cause?: unknown): WebSocketError {
  const message = `cannot send ${what}`
  return new WebSocketError('ERR_WINDSOCK_MESSAGE_TYPE', message, { fault: 'local', cause })
}

function unexpressed(value: unknown, why = ''): string {
  return `a value of type ${typeName(value)}${why}: send a string, an ArrayBuffer or typed array, or an object that JSON can express`
}
