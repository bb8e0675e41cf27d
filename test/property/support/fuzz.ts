// Fuzz: what is right, broken at random, for as long as it is asked for.
//
// Inputs are seeds that a reader takes, with pieces cut out, doubled, swapped, bits turned, and words of the format put
// in: most of it is nearly right, and so gets further into a reader than noise does. `npm test` tries a few thousand;
// `npm run test:fuzz -- --minutes 5` goes on for that long with each sentence.

import fc from 'fast-check'
import { it } from 'vitest'

const RUNS = 2_000
/** Of each sentence; a number by `tools/fuzz.mjs`. */
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0)
const MS_A_MINUTE = 60_000

/** Holds `check` against one input after the other. */
export function fuzz<T>(
  sentence: string,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
): void {
  const timeMs = MINUTES * MS_A_MINUTE
  const bounds =
    timeMs > 0
      ? { numRuns: 2 ** 31 - 1, interruptAfterTimeLimit: timeMs, markInterruptAsFailure: false }
      : { numRuns: RUNS }
  // The last input, and making what was found small.
  const timeout = timeMs + 2 * MS_A_MINUTE
  it(sentence, { timeout }, () =>
    fc.assert(
      fc.asyncProperty(inputs, async (input) => check(input)),
      bounds,
    ),
  )
}

/** One thing that is done to bytes; places are shares of their length, so that they stay places when others are done. */
type Change =
  | { readonly do: 'cut' | 'double' | 'reverse'; readonly from: number; readonly length: number }
  | { readonly do: 'turn'; readonly at: number; readonly bit: number }
  | { readonly do: 'put'; readonly at: number; readonly word: string }

const share = fc.double({ min: 0, max: 1, noNaN: true })

function changes(words: readonly string[]): fc.Arbitrary<readonly Change[]> {
  const one: fc.Arbitrary<Change> = fc.oneof(
    fc.record({
      do: fc.constantFrom('cut' as const, 'double' as const, 'reverse' as const),
      from: share,
      length: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ do: fc.constant('turn' as const), at: share, bit: fc.nat(7) }),
    fc.record({ do: fc.constant('put' as const), at: share, word: fc.constantFrom(...words) }),
  )
  return fc.array(one, { maxLength: 6 })
}

function changed(bytes: Buffer, change: Change): Buffer {
  const placeOf = (at: number) => Math.floor(at * bytes.length)
  if (change.do === 'turn') {
    const copy = Buffer.from(bytes)
    const place = placeOf(change.at)
    copy[place] = (copy[place] ?? 0) ^ (1 << change.bit)
    return copy
  }
  if (change.do === 'put') {
    const place = placeOf(change.at)
    return Buffer.concat([
      bytes.subarray(0, place),
      Buffer.from(change.word),
      bytes.subarray(place),
    ])
  }
  const from = placeOf(change.from)
  const piece = bytes.subarray(from, from + change.length)
  const pieces = {
    cut: [],
    double: [piece, piece],
    reverse: [Buffer.from(piece).reverse()],
  }[change.do]
  return Buffer.concat([bytes.subarray(0, from), ...pieces, bytes.subarray(from + change.length)])
}

/** Bytes that are nearly one of `seeds`, or exactly. */
export function nearly(
  seeds: readonly (string | Uint8Array)[],
  words: readonly string[],
): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...seeds), changes(words))
    .map(([seed, made]) => made.reduce(changed, Buffer.from(seed as string)))
}

/** The same as text, each byte a character, as HTTP has it. */
export function nearlyLatin(seeds: readonly string[], words: readonly string[]) {
  return nearly(seeds, words).map((bytes) => bytes.toString('latin1'))
}

/** The same as text in UTF-8, broken bytes replaced. */
export function nearlyText(seeds: readonly string[], words: readonly string[]) {
  return nearly(seeds, words).map((bytes) => bytes.toString('utf8'))
}
