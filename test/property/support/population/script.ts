// Script: what happens to one simulated population, as plain data that prints itself and shrinks.

import fc from 'fast-check'
import { WAYS, type Way } from './place.ts'
import { PUBLISHING_WAYS, type PublishingWay } from './publisher.ts'
import type { ServerSettings } from './server.ts'

/** Every `every`-th reader, counted from `first`. */
export interface Who {
  readonly every: number
  readonly first: number
}

export type Step =
  | {
      readonly do: 'publish'
      readonly by: number
      readonly way: PublishingWay
      readonly times: number
      readonly size: number
      readonly together: boolean
    }
  /** Its link goes; so many characters of what waits in an event stream still arrive. */
  | {
      readonly do: 'cut'
      readonly who: Who
      readonly awayMs: number
      readonly arriving: number
    }
  | { readonly do: 'switch'; readonly who: Who; readonly to: Way }
  | { readonly do: 'slow' | 'quick' | 'loseAnswer' | 'again'; readonly who: Who }
  /** A publisher's link goes, with what is under way. */
  | { readonly do: 'loseAcknowledgement'; readonly by: number }
  | {
      readonly do: 'restart'
      readonly how: 'drain' | 'crash'
      /** What the next server finds: the same log, less of it, or another. */
      readonly finds: 'same' | 'less' | 'another'
    }
  | { readonly do: 'wait'; readonly ms: number }

export interface Script {
  readonly readers: number
  readonly settings: ServerSettings
  readonly steps: readonly Step[]
}

export const PUBLISHERS = 3

const who: fc.Arbitrary<Who> = fc.record({
  every: fc.constantFrom(1, 2, 3, 5),
  first: fc.nat(4),
})
const by = fc.nat(PUBLISHERS - 1)
const awayMs = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(1_200))

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      by,
      way: fc.constantFrom(...PUBLISHING_WAYS),
      times: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 40 })),
      size: fc.oneof(fc.constant(0), fc.nat(300)),
      together: fc.boolean(),
    }),
  },
  // Enough to fill every buffer, and to move the floor.
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      by,
      way: fc.constant('program' as const),
      times: fc.constantFrom(60, 130),
      size: fc.constantFrom(20, 1_500),
      together: fc.constant(false),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      who,
      awayMs,
      arriving: fc.oneof(fc.constant(0), fc.nat(600)),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('switch' as const), who, to: fc.constantFrom(...WAYS) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('slow', 'quick', 'quick', 'loseAnswer', 'loseAnswer', 'again'),
      who,
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('loseAcknowledgement' as const), by }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      how: fc.constantFrom('drain' as const, 'crash' as const),
      finds: fc.constantFrom('same', 'same', 'same', 'less', 'another'),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(6), fc.nat(900)),
    }),
  },
)

/** Any population. */
export const scripts: fc.Arbitrary<Script> = fc.record({
  readers: fc.integer({ min: 4, max: 16 }),
  settings: fc.record({
    history: fc.record(
      {
        count: fc.constantFrom(5, 50, 10_000),
        bytes: fc.constantFrom(2_000, 1_000_000),
        ageMs: fc.constantFrom(200, 2_000),
      },
      { requiredKeys: ['count', 'bytes'] },
    ),
    pageMessages: fc.constantFrom(1, 7, 1_000),
    bufferBytes: fc.constantFrom(300, 65_536),
    storeMs: fc.constantFrom(0, 0, 1, 3),
  }),
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
})

/** A script as a person reads it. */
export function tellScript({ readers, settings, steps }: Script): string {
  return [
    `${readers} readers, ${fc.stringify(settings)}`,
    ...steps.map((one) => `  ${fc.stringify(one)}`),
  ].join('\n')
}
