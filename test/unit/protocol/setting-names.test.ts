import { describe, expect, it } from 'vitest'
import { checkCalled, checkNames } from '../../../src/protocol/setting-names.ts'

const KNOWN = ['everyMs', 'epoch']

describe('a maker of handlers', () => {
  it('is no handler itself, and says so to who gives it for one', () => {
    expect(() => checkCalled('chatRoom', { messages$: {} })).toThrow('route(path, chatRoom())')
  })

  it.each([{}, { topic: 1 }, null, undefined, 'a'])('leaves %j to who looks closer', (options) => {
    expect(() => checkCalled('chatRoom', options as object)).not.toThrow()
  })
})

describe('names of settings', () => {
  it('may be missing', () => {
    expect(() => checkNames({}, KNOWN)).not.toThrow()
    expect(() => checkNames({ everyMs: 1, epoch: 'a' }, KNOWN)).not.toThrow()
  })

  it.each([
    [{ every: 1 }, undefined, '"every"; did you mean "everyMs"?'],
    [{ every: 1 }, 'clock', '"clock.every"; did you mean "everyMs"?'],
    [{ every_ms: 1 }, undefined, '"every_ms"; did you mean "everyMs"?'],
    [{ evryMs: 1 }, undefined, '"evryMs"; did you mean "everyMs"?'],
    [{ everMys: 1 }, undefined, '"everMys"; did you mean "everyMs"?'],
    [{ everyMmS: 1 }, undefined, '"everyMmS"; did you mean "everyMs"?'],
    [{ x: 1 }, undefined, '"x"; known are everyMs, epoch'],
    [{ second: 1 }, undefined, '"second"; known are everyMs, epoch'],
  ])('%j in %s is refused with what was meant', (settings, of, told) => {
    expect(() => checkNames(settings, KNOWN, of)).toThrow(
      expect.objectContaining({
        code: 'ERR_WINDSOCK_SETTING',
        message: `there is no setting ${told}`,
      }),
    )
  })

  it.each([
    [null, undefined, 'what is set is null'],
    [7, 'clock', 'clock is 7'],
  ])('%j in %s is no object', (settings, of, told) => {
    expect(() => checkNames(settings as never, KNOWN, of)).toThrow(
      `${told}: it must be an object with any of everyMs, epoch`,
    )
  })
})
