import { NEVER } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Connection, WebSocketHandler } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { createMachine, fromPromise, fromTransition, setup } from 'xstate'
import { type HandlerForm, handlerFactory } from '../../../src/handlers/form.ts'
import type { ConnectionRequest, FactoryContext } from '../../../src/handlers/handler.ts'

const REQUEST = { headers: {}, params: {}, args: [] } as unknown as ConnectionRequest
const CONTEXT: FactoryContext = {
  clock: new VirtualClock(),
  random: seededRandom(1),
  report: () => {},
}

describe('a form', () => {
  it.each<[string, HandlerForm]>([
    ['a function', () => NEVER],
    ['an async function', async () => NEVER],
    ['a function of the old kind', function stream() {}],
    ['a class that extends WebSocketHandler', class extends WebSocketHandler {}],
    ['a machine', createMachine({})],
    ['actor logic', fromTransition((state: number) => state, 0)],
    ['a promise as actor logic', fromPromise(async () => 1)],
  ])('is %s', (_what, form) => {
    const factory = handlerFactory(form)
    const [one, other] = [factory(REQUEST, CONTEXT), factory(REQUEST, CONTEXT)]
    expect(typeof one.open).toBe('function')
    expect(one).not.toBe(other)
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '/echo'],
    ['a number', 7],
    ['an object', {}],
    ['an object with a transition that is none', { transition: 1, getInitialSnapshot: 1 }],
    ['half of actor logic', { transition: () => {} }],
    ['an Observable', NEVER],
    ['an instance of a class', new (class Echo extends WebSocketHandler {})()],
    ['an object without a prototype', Object.create(null)],
    ['a class of another family', class Stranger {}],
  ])('is not %s', (_what, form) => {
    expect(() => handlerFactory(form as HandlerForm)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_ROUTE' }),
    )
  })

  it('may be logic that asks for the connection, and for the type checker none that asks for more', () => {
    const asksFor = <Input>() => setup({ types: { input: {} as Input } }).createMachine({})
    const all: HandlerForm[] = [
      asksFor<{ connection: Connection }>(),
      asksFor<{ readonly connection: Pick<Connection, 'id'> }>(),
      fromPromise<string, { connection: Connection }>(async ({ input }) => input.connection.id),
      // @ts-expect-error Nobody would give it.
      asksFor<{ room: string }>(),
      // @ts-expect-error It is an object.
      fromPromise<number, string>(async ({ input }) => input.length),
    ]
    for (const form of all) expect(typeof handlerFactory(form)).toBe('function')
  })

  it('cannot be compiled with a method taken out of the connection, which would throw', () => {
    expectTypeOf<Connection['send']>().thisParameter.toEqualTypeOf<object>()
    expectTypeOf<Connection['close']>().thisParameter.toEqualTypeOf<object>()
  })
})
