import { describe, expect, it } from 'vitest'
import { type Connection, route } from 'windsock'
import { harness } from 'windsock/testing'
import { emit, fromCallback, fromPromise, fromTransition, setup } from 'xstate'
import type { HandlerForm } from '../../../src/handlers/form.ts'

type Data = string | Uint8Array

async function connect(logic: unknown) {
  const server = harness([route('/', logic as HandlerForm)])
  const peer = await server.connect('/')
  await server.advance(5)
  return { server, peer, closeCode: () => peer.closeFrames.at(0)?.code }
}

const machine = setup({
  types: {
    events: {} as { type: 'message'; data: Data },
    emitted: {} as { type: string; data?: unknown },
    context: {} as { connection: Connection },
    input: {} as { connection: Connection },
  },
}).createMachine({
  context: ({ input }) => input,
  initial: 'talking',
  states: {
    talking: {
      after: { 1_000: 'bored' },
      on: {
        message: [
          { guard: ({ event }) => event.data === 'bye', target: 'done' },
          {
            guard: ({ event }) => event.data === 'fail',
            actions: () => {
              throw new Error('mine')
            },
          },
          {
            guard: ({ event }) => event.data === 'bad',
            actions: emit({ type: 'message', data: 7 }),
          },
          {
            actions: [
              emit(({ event }) => ({ type: 'message', data: `echo ${String(event.data)}` })),
              emit({ type: 'noted' }),
            ],
          },
        ],
      },
    },
    bored: { entry: emit({ type: 'message', data: 'anyone?' }) },
    done: { type: 'final' },
  },
})

describe('an actor', () => {
  it('gets messages as events, and what it emits is sent', async () => {
    const { server, peer } = await connect(machine)
    peer.send('a')
    await server.advance(5)
    expect(peer.messages).toEqual(['echo a', '{"type":"noted"}'])
  })

  it('closes with 1000 when it is done', async () => {
    const { server, peer, closeCode } = await connect(machine)
    peer.send('bye')
    await server.advance(5)
    expect(closeCode()).toBe(1000)
    expect(server.errors).toEqual([])
  })

  it('closes with 1011 when an action throws, or when it emits what cannot be sent', async () => {
    for (const word of ['fail', 'bad']) {
      const { server, peer, closeCode } = await connect(machine)
      peer.send(word)
      await server.advance(5)
      expect(closeCode()).toBe(1011)
      expect(server.errors).toHaveLength(1)
    }
  })

  it('runs on the clock of the runtime, and stops with the connection', async () => {
    const { server, peer } = await connect(machine)
    await server.advance(1_000)
    expect(peer.messages).toEqual(['anyone?'])
    const other = await connect(machine)
    other.peer.close()
    await other.server.advance(5)
    expect(other.server.clock.timerCount).toBe(0)
  })

  it('may be a promise: its end closes, its failure too', async () => {
    const well = await connect(fromPromise(async () => 'done'))
    expect(well.closeCode()).toBe(1000)
    const ill = await connect(fromPromise(async () => Promise.reject(new Error('no'))))
    expect(ill.closeCode()).toBe(1011)
    expect(ill.server.errors).toHaveLength(1)
  })

  it('may be a callback that lives as long as the connection', async () => {
    const log: string[] = []
    const { server, peer } = await connect(
      fromCallback<{ type: 'message'; data: Data }, { connection: Connection }>(
        ({ input, receive }) => {
          receive(({ data }) => void input.connection.send(`got ${String(data)}`))
          return () => log.push('cleaned')
        },
      ),
    )
    peer.send('a')
    await server.advance(5)
    expect(peer.messages).toEqual(['got a'])
    peer.close()
    await server.advance(5)
    expect(log).toEqual(['cleaned'])
  })

  it('may listen to what it emits itself, which is sent all the same', async () => {
    const heard: unknown[] = []
    const { server, peer } = await connect(
      fromCallback<{ type: 'message'; data: Data }, { connection: Connection }, { type: string }>(
        ({ self, receive, emit: tell }) => {
          self.on('*', (event) => heard.push(event))
          tell({ type: 'welcome' })
          receive((event) => tell(event))
        },
      ),
    )
    peer.send('a')
    await server.advance(5)
    expect(peer.messages).toEqual(['{"type":"welcome"}', 'a'])
    expect(heard).toEqual([{ type: 'welcome' }, { type: 'message', data: 'a' }])
  })

  it('can be asked for its snapshot, and is known by the logic that was given', async () => {
    let seen: unknown[] = []
    const logic = fromCallback<{ type: 'message'; data: Data }, { connection: Connection }>(
      ({ self, receive }) => {
        receive(() => {
          const { status } = self.getPersistedSnapshot() as { status: string }
          seen = [status, self.src]
        })
      },
    )
    const { server, peer } = await connect(logic)
    peer.send('a')
    await server.advance(5)
    expect(seen).toEqual(['active', logic])
  })

  it('that cannot even begin closes with 1011', async () => {
    const { server, closeCode } = await connect(
      fromTransition(
        (state: number) => state,
        () => {
          throw new Error('no beginning')
        },
      ),
    )
    expect(closeCode()).toBe(1011)
    expect(server.errors).toHaveLength(1)
  })
})
