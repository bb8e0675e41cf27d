import { expect, it } from 'vitest'
import type { WebSocketError } from '../../../src/protocol/errors.ts'
import { type ResortOwner, surviveSubscribers } from '../../../src/protocol/last-resort.ts'

/** RxJS's config, and who has been told. */
function owner() {
  const told: string[] = []
  const config: ResortOwner = { onUnhandledError: null }
  const listener = (name: string) => (error: WebSocketError) => {
    told.push(`${name}: ${error.code} ${error.fault} ${error.message}`)
    expect(error.cause).toBe('out of cheese')
  }
  const fail = () => {
    config.onUnhandledError?.('out of cheese')
    return told.splice(0)
  }
  return { config, listener, fail }
}

const said = (name: string) => [
  `${name}: ERR_WINDSOCK_UNHANDLED bug a subscriber threw outside any connection: out of cheese`,
]

it('who comes first is told of what subscribers throw', () => {
  const { config, listener, fail } = owner()
  surviveSubscribers(config, listener('first'))
  surviveSubscribers(config, listener('second'))
  surviveSubscribers(config, listener('third'), true)
  expect(fail()).toEqual(said('first'))
})

it('who gives way is told until somebody else wants to be', () => {
  const { config, listener, fail } = owner()
  surviveSubscribers(config, listener('client'), true)
  expect(fail()).toEqual(said('client'))
  surviveSubscribers(config, listener('server'))
  surviveSubscribers(config, listener('client'), true)
  expect(fail()).toEqual(said('server'))
})

it("an application's own is left alone", () => {
  const { config, listener } = owner()
  const own = () => {}
  config.onUnhandledError = own
  surviveSubscribers(config, listener('server'))
  surviveSubscribers(config, listener('client'), true)
  expect(config.onUnhandledError).toBe(own)
})
