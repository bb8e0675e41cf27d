import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import type { WebSocketError } from '../../../src/protocol/errors.ts'
import { type ResortOwner, surviveSubscribers } from '../../../src/protocol/last-resort.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

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

it('who comes first is told of what subscribers throw, as long as he wants to be', () => {
  const { config, listener, fail } = owner()
  const [first, second] = [listener('first'), listener('second')]
  const leave = surviveSubscribers(config, listener('print'), first)
  const leaveToo = surviveSubscribers(config, listener('print'), second)
  expect(fail()).toEqual(said('first'))
  leave()
  expect(fail()).toEqual(said('second'))
  leaveToo()
  expect(fail()).toEqual(said('print'))
})

it('it is printed for who has nobody to be told, until somebody wants to be', () => {
  const { config, listener, fail } = owner()
  surviveSubscribers(config, listener('print'))()
  expect(fail()).toEqual(said('print'))
  const server = listener('server')
  surviveSubscribers(config, listener('print'), server)
  expect(fail()).toEqual(said('server'))
})

it('who is not there any more is not kept for it', async () => {
  const { config, listener, fail } = owner()
  surviveSubscribers(config, listener('print'), listener('collected'))
  // What was made in this turn is there to its end.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(fail()).toEqual(said('print'))
})

it("an application's own is left alone", () => {
  const { config, listener } = owner()
  const own = () => {}
  config.onUnhandledError = own
  surviveSubscribers(config, listener('print'), listener('server'))
  expect(config.onUnhandledError).toBe(own)
})
