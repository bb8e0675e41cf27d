import { describe, expect, it } from 'vitest'
import {
  resolveTopicLimits,
  TOPIC_LIMITS,
  type TopicLimitName,
} from '../../../src/transport/topic-limits.ts'

describe('the limits of topics over HTTP', () => {
  for (const [name, limit] of Object.entries(TOPIC_LIMITS)) {
    it(`${name} keeps to its range`, () => {
      expect(resolveTopicLimits({})[name as TopicLimitName]).toBe(limit.default)
      for (const value of [limit.min, limit.max]) {
        expect(resolveTopicLimits({ [name]: value })[name as TopicLimitName]).toBe(value)
      }
      for (const value of [limit.min - 1, limit.max + 1, 1.5, Number.NaN, '7']) {
        expect(() => resolveTopicLimits({ [name]: value as number })).toThrow(
          expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
        )
      }
    })
  }
})
