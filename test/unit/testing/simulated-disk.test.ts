// The simulated disk: what a process is told of it, and what the next one finds.

import { describe, expect, it } from 'vitest'
import { SimulatedDisk, VirtualClock } from 'windsock/testing'

const TOPIC = 'topic/news'
const text = (data: string) => [{ type: 'text', schema: 1, atMs: 0, data }]

async function datas(disk: SimulatedDisk, clock: VirtualClock) {
  const { events } = await disk.open(clock).read(TOPIC)
  return events.map(({ data }) => data)
}

describe('a simulated disk', () => {
  it.each(['full', 'read-only'] as const)(
    'that is %s keeps nothing, and goes on afterwards',
    async (condition) => {
      const [disk, clock] = [new SimulatedDisk(), new VirtualClock()]
      const store = disk.open(clock)
      disk.condition = condition
      await expect(store.append(TOPIC, text('a'))).rejects.toMatchObject({
        code: 'ERR_WINDSOCK_JOURNAL',
      })
      disk.condition = 'fine'
      expect((await store.append(TOPIC, text('b'))).head).toBe(1)
      expect(await datas(disk, clock)).toEqual(['b'])
    },
  )

  it('whose sync has failed acknowledges nothing more to that process (I-65)', async () => {
    const [disk, clock] = [new SimulatedDisk(), new VirtualClock()]
    const store = disk.open(clock)
    await store.append(TOPIC, text('a'))
    disk.condition = 'failing'
    await expect(store.append(TOPIC, text('b'))).rejects.toThrow()
    disk.condition = 'fine'
    await expect(store.append(TOPIC, text('c'))).rejects.toThrow()
    expect(await datas(disk, clock)).toEqual(['a'])
  })

  it.each([
    [false, ['a']],
    [true, ['a', 'b']],
  ])(
    'has what was acknowledged after a crash, and what was not whole or not at all',
    async (keepsInterrupted, kept) => {
      const [disk, clock] = [new SimulatedDisk(), new VirtualClock()]
      const store = disk.open(clock)
      await store.append(TOPIC, text('a'))
      disk.writeMs = 5
      disk.keepsInterrupted = keepsInterrupted
      const answered: string[] = []
      for (const data of ['b', 'c'])
        void store.append(TOPIC, text(data)).then(() => answered.push(data))
      await clock.advance(4)
      disk.crash()
      await clock.advance(100)
      expect(answered).toEqual([])
      expect(await datas(disk, clock)).toEqual(kept)
    },
  )
})
