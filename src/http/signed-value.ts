// Signed value: a value that anyone may read and only the holder of a secret can make.
//
// Tornado's format v2, byte for byte, so that both sides read each other's cookies:
//   2|<len:key version>|<len:unix seconds>|<len:name>|<len:base64 value>|<hex HMAC-SHA256 of all before it>
// Whatever comes in is hostile: reading gives the value or `null`, and never throws. The name is part of what is signed,
// so that one cookie cannot stand in for another. Knows nothing of cookies, requests or settings. v1 (SHA-1) is
// neither written nor read.
// Source: tornado.web.create_signed_value, decode_signed_value.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { SettingError, show } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { checkNames } from '../protocol/setting-names.ts'

/** One secret, or several by key version: values are signed with one of them and read with any (Tornado: `cookie_secret`). */
export type SigningSecret = string | Readonly<Record<number, string>>

/** Where the time comes from; only the wall clock is asked. */
export type WallClock = Pick<Clock, 'wallMs'>

/** How `createSignedValue()` signs. */
export interface SignOptions {
  /** Which secret of a map to sign with; needed with a map, and just noted down with a single secret. Default 0. */
  readonly keyVersion?: number | undefined
  /** Default: the system's. */
  readonly clock?: WallClock | undefined
}

/** What `decodeSignedValue()` accepts. */
export interface VerifyOptions {
  /** Older values are refused, in days; fractions are allowed. Default 31. */
  readonly maxAgeDays?: number | undefined
  /** Default: the system's. */
  readonly clock?: WallClock | undefined
  /** The oldest format to read; there is only 2. */
  readonly minVersion?: number | undefined
}

/** How far the clock that signed may be ahead of the clock that reads, in seconds. */
export const MAX_CLOCK_SKEW_S = 60

const SECONDS_PER_DAY = 86_400
const FORMAT = '2'
const systemClock: WallClock = { wallMs: () => Date.now() }

interface Fields {
  readonly keyVersion: number
  readonly timestampS: number
  readonly name: Buffer
  readonly value: string
  readonly signed: Buffer
  readonly signature: Buffer
}

/**
 * Signs a value and notes the time (Tornado: `create_signed_value`).
 *
 * @param value - text (as UTF-8) or bytes; it stays readable for everyone.
 * @throws SettingError for an empty or missing secret, for a value that is neither, and for a name or text that UTF-8
 *   cannot express.
 */
export function createSignedValue(
  secret: SigningSecret,
  name: string,
  value: string | Uint8Array,
  { keyVersion, clock = systemClock }: SignOptions = {},
): string {
  if (typeof secret === 'object' && secret !== null && keyVersion === undefined) {
    throw new SettingError('several secrets need keyVersion: which of them to sign with')
  }
  const key = keyOf(secret, keyVersion ?? 0)
  if (key === undefined) {
    throw new SettingError(
      `there is no secret ${keyVersion === undefined ? '' : `of key version ${keyVersion} `}to sign with: it must be a string that is not empty`,
    )
  }
  if (keyVersion !== undefined && !(Number.isSafeInteger(keyVersion) && keyVersion >= 0)) {
    throw new SettingError(
      `keyVersion is ${String(keyVersion)}: it must be a whole number from 0 on`,
    )
  }
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new SettingError(`the value to sign is ${show(value)}: it must be a text or bytes`)
  }
  if (!isWellFormed(name) || (typeof value === 'string' && !isWellFormed(value))) {
    throw new SettingError('a signed name or value holds half a surrogate pair: UTF-8 has none')
  }
  const timestampS = Math.floor(clock.wallMs() / 1000)
  const base64 = Buffer.from(value as string).toString('base64')
  const fields = [String(keyVersion ?? 0), String(timestampS), name, base64]
  const signed = `${[FORMAT, ...fields.map(formatField)].join('|')}|`
  return signed + signatureOf(key, Buffer.from(signed))
}

/**
 * The value that was signed, or `null` for anything that is not exactly what a holder of the secret made for this name
 * (Tornado: `decode_signed_value`).
 *
 * Refused are: another name, a value older than `maxAgeDays`, one from more than a minute ahead, a key version that the
 * secrets do not have, and any change, be it one bit. Nothing that a client sends makes it throw.
 *
 * @throws SettingError for an option that there is none of, and without a secret: nobody would ever be known.
 */
export function decodeSignedValue(
  secret: SigningSecret,
  name: string,
  value: string | null | undefined,
  options: VerifyOptions = {},
): Buffer | null {
  checkNames(options, ['maxAgeDays', 'clock', 'minVersion'])
  const { maxAgeDays = 31, clock = systemClock, minVersion = 2 } = options
  if (!secret) {
    throw new SettingError('there is no secret to read with: it must be a string that is not empty')
  }
  if (typeof name !== 'string' || minVersion > 2) return null
  const fields = parse(value)
  if (fields === undefined) return null
  const key = keyOf(secret, fields.keyVersion)
  if (key === undefined) return null
  const expected = Buffer.from(signatureOf(key, fields.signed))
  // Both are 64 characters, so the comparison takes the same time whatever they are.
  if (!timingSafeEqual(fields.signature, expected)) return null
  if (!isWellFormed(name) || !fields.name.equals(Buffer.from(name))) return null
  const nowS = clock.wallMs() / 1000
  // Written so that a maximum that is no number refuses.
  if (!(fields.timestampS >= nowS - maxAgeDays * SECONDS_PER_DAY)) return null
  if (!(fields.timestampS <= nowS + MAX_CLOCK_SKEW_S)) return null
  return Buffer.from(fields.value, 'base64')
}

/**
 * Which key a value says it was signed with, or `null` when it is no signed value; nothing is verified (Tornado:
 * `get_signature_key_version`).
 */
export function signedKeyVersion(value: string | null | undefined): number | null {
  return parse(value)?.keyVersion ?? null
}

function signatureOf(key: string, signed: Uint8Array): string {
  return createHmac('sha256', key).update(signed).digest('hex')
}

function keyOf(secret: SigningSecret, keyVersion: number): string | undefined {
  if (typeof secret === 'string') return secret === '' ? undefined : secret
  if (typeof secret !== 'object' || secret === null) return undefined
  const key = Object.hasOwn(secret, keyVersion) ? secret[keyVersion] : undefined
  return typeof key === 'string' && key !== '' ? key : undefined
}

// Lengths count bytes.
function formatField(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

function parse(value: unknown): Fields | undefined {
  if (typeof value !== 'string' || !value.startsWith(`${FORMAT}|`) || !isWellFormed(value)) {
    return undefined
  }
  const bytes = Buffer.from(value)
  let position = 2
  const field = (): Buffer | undefined => {
    const colon = bytes.indexOf(':', position)
    if (colon < 0) return undefined
    const length = wholeNumber(bytes.toString('latin1', position, colon))
    if (length === undefined || bytes[colon + 1 + length] !== PIPE) return undefined
    position = colon + length + 2
    return bytes.subarray(colon + 1, colon + 1 + length)
  }
  const keyVersion = wholeNumber(field()?.toString('latin1'))
  const timestampS = wholeNumber(field()?.toString('latin1'))
  const name = field()
  const base64 = field()?.toString('latin1')
  const signature = bytes.subarray(position)
  if (keyVersion === undefined || timestampS === undefined || name === undefined) return undefined
  if (base64 === undefined || !/^[0-9a-f]{64}$/.test(signature.toString('latin1'))) return undefined
  return {
    keyVersion,
    timestampS,
    name,
    value: base64,
    signed: bytes.subarray(0, position),
    signature,
  }
}

const PIPE = 0x7c

/** Decimal without leading zeros, as the format says; nothing else that `Number()` would take. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
