import { describe, expect, it } from 'vitest'
import { createMachine } from 'xstate'
import { connectionMachine } from '../../../src/machines/connection.ts'
import { checkMachine } from '../../../src/machines/provided.ts'

const WRONG = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })

describe('a machine of a user', () => {
  it('may be ours, with guards and delays of its own', () => {
    const once = connectionMachine.provide({ delays: { pingInterval: 5, pongGrace: () => 7 } })
    const twice = once.provide({ guards: { mayStaySilent: () => true } })
    for (const machine of [connectionMachine, connectionMachine.provide({}), once, twice]) {
      expect(() => checkMachine(machine)).not.toThrow()
    }
  })

  it.each([null, 5, {}, { provide: () => {} }, createMachine({})])(
    'cannot be another: %s',
    (other) => {
      expect(() => checkMachine(other as never)).toThrow(WRONG)
    },
  )

  it.each([
    { delays: { pingIntervall: 5 } },
    { delays: { pingIntervalMs: 5 } },
    { guards: { mayBeSilent: () => true } },
    { actions: { sendPing: () => {} } },
    { actions: { greet: () => {} } },
    { actors: { child: createMachine({}) } },
  ])('cannot provide what there is none of, or what the connection performs: %j', (provided) => {
    const machine = connectionMachine.provide(provided as never)
    expect(() => checkMachine(machine)).toThrow(WRONG)
    expect(() => checkMachine(machine.provide({}))).toThrow(WRONG)
  })
})
