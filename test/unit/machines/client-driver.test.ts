import { describe, expect, it } from 'vitest'
import type { ClientInput } from '../../../src/machines/client-context.ts'
import { ClientDriver } from '../../../src/machines/client-driver.ts'
import type { ClientEffect } from '../../../src/machines/client-effects.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const INPUT: ClientInput = {
  deadlines: { connectTimeoutMs: 1_000, steadyMs: 5_000, upgradeMs: 10_000, closeTimeoutMs: 500 },
  backoff: { firstMs: 100, capMs: 30_000 },
  transports: ['websocket'],
  online: true,
}
const STARTED = { type: 'app.started' } as const
const CLOSED = { type: 'app.closed', frame: { code: 1000, reason: '' } } as const

function drive(react: (effect: ClientEffect, driver: ClientDriver) => void = () => {}) {
  const clock = new VirtualClock()
  const log: string[] = []
  const driver: ClientDriver = new ClientDriver({
    clock,
    input: INPUT,
    perform: (effect) => {
      log.push(effect.type)
      react(effect, driver)
    },
    stepped: ({ value }) => log.push(JSON.stringify(value)),
  })
  return { clock, driver, log }
}

describe('the driver of a client', () => {
  it('tells of a step before its effects are performed', () => {
    const { driver, log } = drive()
    driver.dispatch(STARTED)
    expect(log).toEqual(['{"connecting":"dialing"}', 'keep', 'dial'])
  })

  it('tells nothing of an event that changes nothing', () => {
    const { driver, log } = drive()
    driver.dispatch({ type: 'link.opened', link: 7 })
    expect(log).toEqual([])
  })

  it('lets an event from inside an effect wait until the effects are done', () => {
    const { driver, log } = drive((effect, self) => {
      if (effect.type === 'keep' && effect.link === 1) self.dispatch(CLOSED)
    })
    driver.dispatch(STARTED)
    expect(log).toEqual(['{"connecting":"dialing"}', 'keep', 'dial', '"closed"', 'keep', 'finish'])
  })

  it('takes events again when an effect has thrown', () => {
    const { driver, log } = drive((effect) => {
      if (effect.type === 'dial') throw new Error('no')
    })
    expect(() => driver.dispatch(STARTED)).toThrow('no')
    driver.dispatch(CLOSED)
    expect(log.at(-1)).toBe('finish')
  })

  it('keeps the timers of the present state, and none after the end', async () => {
    const { clock, driver } = drive()
    expect(clock.timerCount).toBe(0)
    driver.dispatch(STARTED)
    expect(clock.timerCount).toBe(1)
    await clock.advance(1_000)
    expect(clock.timerCount).toBe(0)
    driver.dispatch({ type: 'link.opened', link: 1 })
    driver.dispatch({ type: 'link.ready', link: 1 })
    // Two deadlines at a time: for steadiness, and for a better transport.
    expect(clock.timerCount).toBe(2)
    driver.dispatch(CLOSED)
    expect(clock.timerCount).toBe(1)
    await clock.advance(500)
    expect(clock.timerCount).toBe(0)
  })

  it('takes nothing after the end', () => {
    const { driver, log } = drive()
    driver.dispatch(CLOSED)
    const { snapshot } = driver
    log.length = 0
    driver.dispatch(STARTED)
    expect(driver.snapshot).toBe(snapshot)
    expect(log).toEqual([])
  })
})
