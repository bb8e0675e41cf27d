import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Outbound, type SlowPolicy } from '../../../src/streams/outbound.ts'

interface Packet {
  readonly name: string
  readonly byteLength: number
}
const packet = (name: string, byteLength = 10): Packet => ({ name, byteLength })

interface Bounds {
  policy?: SlowPolicy
  bytes?: number
  messages?: number
  mark?: number
  stallMs?: number
}

/** A queue before a link that takes writes while it is `willing`; each write shows as one line of the log. */
function queue({
  policy = 'close',
  bytes = 100,
  messages = 10,
  mark = 50,
  stallMs = 30,
}: Bounds = {}) {
  const clock = new VirtualClock()
  const log: string[] = []
  const pinged: number[] = []
  const link = {
    willing: true,
    isReading: false,
    touch: () => 0,
    bufferedBytes: 0,
    untakenBytes: 0,
    write(packets: readonly Packet[]) {
      log.push(packets.map(({ name }) => name).join('+'))
      if (!link.willing) for (const { byteLength } of packets) link.bufferedBytes += byteLength
      return link.willing
    },
    writeOne: (one: Packet) => link.write([one]),
    ping(data: Uint8Array) {
      log.push(`ping ${data[0]}`)
      return link.willing
    },
    pong(data: Uint8Array) {
      log.push(`pong ${data[0]}`)
      return link.willing
    },
  }
  const limits = {
    maxOutboundBytes: bytes,
    maxOutboundMessages: messages,
    outboundHighWaterBytes: mark,
    stallTimeoutMs: stallMs,
  }
  const setup = { limits, slow: policy, clock }
  const outbound = new Outbound<Packet>(link, setup, {
    overflowed: () => log.push('overflowed'),
    loadChanged: () => log.push(outbound.isPressured ? 'pressured' : 'relieved'),
    pingWritten: (data) => pinged.push(data[0] as number),
  })
  const drain = () => {
    link.bufferedBytes = 0
    link.willing = true
    outbound.drained()
  }
  return { clock, drain, link, log, outbound, pinged }
}
/** A queue whose link has taken one packet and wants no more. */
function blocked(bounds: Bounds = {}) {
  const made = queue(bounds)
  made.link.willing = false
  made.outbound.push(packet('first'))
  made.outbound.flush()
  expect(made.log).toEqual(['first'])
  made.log.length = 0
  return made
}
const bytes = (value: number) => Uint8Array.of(value)

describe('writing', () => {
  it('hands on in order, what one turn brings in few writes', async () => {
    const { clock, log, outbound } = queue()
    for (const name of ['a', 'b', 'c']) outbound.push(packet(name))
    await clock.settle()
    expect(log.join('+')).toBe('a+b+c')
    expect(log.length).toBeLessThanOrEqual(2)
    expect(outbound).toMatchObject({
      messagesSent: 3,
      bytesSent: 30,
      messagesDropped: 0,
      unsentBytes: 0,
    })
  })

  it('writes at the high-water mark without waiting for the end of the turn', () => {
    const { log, outbound } = queue({ mark: 20 })
    for (const name of ['a', 'b', 'c', 'd']) outbound.push(packet(name))
    expect(log.join('+')).toMatch(/^a\+b\+c/)
  })

  it('waits for the end of the read where a read is being reported', () => {
    const { link, log, outbound } = queue()
    link.isReading = true
    outbound.push(packet('a'))
    outbound.push(packet('b'))
    expect(log).toEqual([])
    outbound.flush()
    expect(log).toEqual(['a+b'])
  })

  it('takes about a high-water mark at a time after a block', () => {
    const { drain, log, outbound } = blocked({ mark: 20 })
    for (const name of ['a', 'b', 'c']) outbound.push(packet(name))
    expect(log).toContain('pressured')
    log.length = 0
    drain()
    expect(log).toEqual(['a+b', 'c', 'relieved'])
  })

  it('moves a long queue without losing count', () => {
    const { drain, log, outbound } = blocked({ messages: 2_000, bytes: 100_000, mark: 30 })
    for (let index = 0; index < 1_000; index++) outbound.push(packet(String(index)))
    drain()
    const written = log
      .filter((line) => /\d/.test(line))
      .join('+')
      .split('+')
    expect(written).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)))
    expect(outbound.queuedMessages).toBe(0)
    expect(outbound.bufferedBytes).toBe(0)
  })
})

describe('the control lane', () => {
  it('passes data that waits', () => {
    const { log, outbound, link } = queue()
    link.isReading = true
    outbound.push(packet('a'))
    outbound.ping(bytes(1))
    outbound.pong(bytes(2))
    outbound.flush()
    expect(log).toEqual(['ping 1', 'pong 2', 'a'])
  })

  it('keeps the newest ping and pong while the link is blocked, and sends them first', () => {
    const { drain, log, outbound, pinged } = blocked()
    outbound.push(packet('a'))
    for (const value of [1, 2]) outbound.ping(bytes(value))
    for (const value of [3, 4]) outbound.pong(bytes(value))
    expect([log, pinged]).toEqual([[], []])
    drain()
    expect(log).toEqual(['pong 4', 'ping 2', 'a'])
    // A ping that was never written has no answer to come.
    expect(pinged).toEqual([2])
    drain()
    expect(log).toHaveLength(3)
  })
})

describe('a link that control frames alone have filled', () => {
  it('gets no more of them until it drains, and then the newest', () => {
    const { drain, link, log, outbound } = queue()
    link.willing = false
    for (let value = 1; value <= 1_000; value++) outbound.pong(bytes(value % 256))
    expect(log).toEqual(['pong 1'])
    drain()
    expect(log).toEqual(['pong 1', `pong ${1_000 % 256}`])
  })

  it('counts as one that takes nothing', async () => {
    const { clock, link, log, outbound } = queue({ stallMs: 30 })
    link.willing = false
    outbound.ping(bytes(1))
    await clock.advance(30)
    expect(log).toEqual(['ping 1', 'overflowed'])
  })
})

describe('a consumer that is too slow', () => {
  it.each(['close', 'pause'] as const)('is reported once by %s, at messages or bytes', (policy) => {
    const byMessages = blocked({ policy, messages: 2 })
    for (const name of ['a', 'b', 'c', 'd']) byMessages.outbound.push(packet(name, 1))
    expect(byMessages.log).toEqual(['overflowed'])
    expect(byMessages.outbound.messagesDropped).toBe(2)
    const byBytes = blocked({ policy, bytes: 25 })
    for (const name of ['a', 'b', 'c']) byBytes.outbound.push(packet(name))
    expect(byBytes.log).toEqual(['overflowed'])
    expect(byBytes.outbound.queuedMessages).toBe(2)
  })

  it('makes room among the oldest by drop-oldest', () => {
    const { drain, log, outbound } = blocked({ policy: 'drop-oldest', messages: 2 })
    for (const name of ['a', 'b', 'c', 'd']) outbound.push(packet(name))
    expect(outbound.messagesDropped).toBe(2)
    drain()
    expect(log).toEqual(['c+d'])
  })

  it('has a place for the newest by drop-oldest, also where the link alone has reached the bound', () => {
    const { drain, link, log, outbound } = blocked({ policy: 'drop-oldest', bytes: 30 })
    link.bufferedBytes = 30
    for (const name of ['a', 'b', 'c']) outbound.push(packet(name))
    expect(outbound.messagesDropped).toBe(2)
    drain()
    expect(log).toEqual(['c'])
  })

  it.each(['close', 'pause'] as const)(
    'is by %s nobody who is sent more behind a message that alone reaches the bound',
    (policy) => {
      const { link, log, outbound } = queue({ policy, bytes: 100, mark: 1_000 })
      link.willing = false
      outbound.push(packet('large', 500))
      for (let count = 0; count < 10; count++) outbound.push(packet('small', 10))
      expect(log).toEqual(['large'])
      outbound.push(packet('one more', 10))
      expect(log).toEqual(['large', 'overflowed'])
    },
  )

  it('is one again when that message has gone', () => {
    const { drain, link, log, outbound } = queue({ bytes: 100, mark: 1_000 })
    link.willing = false
    outbound.push(packet('large', 500))
    drain()
    link.willing = false
    outbound.push(packet('small', 99))
    outbound.flush()
    outbound.push(packet('b', 1))
    outbound.push(packet('c', 1))
    expect(log).toEqual(['large', 'small', 'overflowed'])
  })

  it('is by close nobody who is sent more behind such a message that waits', () => {
    const { log, outbound } = blocked({ bytes: 100, mark: 50 })
    outbound.push(packet('large', 500))
    outbound.push(packet('small', 10))
    expect(log).toEqual(['pressured'])
  })

  it('keeps the newest alone by latest, while the link is busy', () => {
    const { drain, log, outbound } = blocked({ policy: 'latest', bytes: 1 })
    for (const name of ['a', 'b', 'c']) outbound.push(packet(name))
    expect(outbound.messagesDropped).toBe(2)
    drain()
    expect(log).toEqual(['c'])
  })

  it.each(['close', 'drop-oldest', 'latest', 'pause'] as const)(
    'is not seen by %s in a burst of one turn that the link takes',
    async (policy) => {
      const { clock, log, outbound } = queue({ policy, messages: 2 })
      const names = ['a', 'b', 'c', 'd', 'e', 'f']
      for (const name of names) outbound.push(packet(name))
      await clock.settle()
      expect(log.join('+')).toBe(names.join('+'))
      expect(outbound.messagesDropped).toBe(0)
    },
  )

  it('lets latest go over the bound with one message where the link is not busy', () => {
    const { link, log, outbound } = queue({ policy: 'latest', bytes: 5 })
    link.bufferedBytes = 9
    outbound.push(packet('a'))
    outbound.flush()
    expect(log).toEqual(['a'])
  })
})

describe('pressure', () => {
  it('is over when the link takes more, also while a rest above half of the mark is with it', async () => {
    const { link, log, outbound } = blocked({ policy: 'pause' })
    outbound.push(packet('a', 60))
    outbound.flush()
    const { room } = outbound
    link.willing = true
    link.bufferedBytes = 40
    outbound.drained()
    expect(log).toEqual(['pressured', 'a', 'relieved'])
    await room
  })

  it('is told above the mark, relieved below half of it, and those who wait for room go on', async () => {
    const { drain, log, outbound } = blocked({ mark: 20 })
    expect(outbound.room).toBeUndefined()
    outbound.push(packet('a'))
    outbound.push(packet('b'))
    expect(log).toEqual(['pressured'])
    let waited = false
    const room = outbound.room?.then(() => {
      waited = true
    })
    expect(outbound.room).toBe(outbound.room)
    drain()
    await room
    expect(waited).toBe(true)
    expect(log).toEqual(['pressured', 'a+b', 'relieved'])
    expect(outbound.room).toBeUndefined()
  })
})

describe('a link that takes nothing', () => {
  it('is reported after stallTimeoutMs', async () => {
    const { clock, log } = blocked({ stallMs: 30 })
    await clock.advance(29)
    expect(log).toEqual([])
    await clock.advance(1)
    expect(log).toEqual(['overflowed'])
    expect(clock.timerCount).toBe(0)
  })

  it('has the whole time again each time that the kernel has taken something', async () => {
    const { clock, link, log } = blocked({ stallMs: 30 })
    for (let taken = 1; taken <= 3; taken++) {
      link.untakenBytes = -taken
      await clock.advance(30)
    }
    expect(log).toEqual([])
    await clock.advance(30)
    expect(log).toEqual(['overflowed'])
  })

  it('has the whole time again each time it drains', async () => {
    const { clock, drain, link, log, outbound } = blocked({ stallMs: 30 })
    await clock.advance(20)
    drain()
    link.willing = false
    outbound.push(packet('a'))
    outbound.flush()
    await clock.advance(29)
    expect(log).toEqual(['a'])
    drain()
    await clock.advance(100)
    expect(log).toEqual(['a'])
    expect(clock.timerCount).toBe(0)
  })
})

describe('the end', () => {
  it('comes behind what waits', () => {
    const { drain, log, outbound } = blocked()
    outbound.push(packet('a'))
    outbound.end(false, () => log.push('done'))
    outbound.end(false, () => log.push('done twice'))
    outbound.push(packet('late', 7))
    expect(log).toEqual([])
    expect(outbound.unsentBytes).toBe(10 + 10 + 7)
    drain()
    expect(log).toEqual(['a', 'done'])
  })

  it('comes at once where what waits is dropped', () => {
    const { log, outbound } = blocked()
    outbound.push(packet('a'))
    outbound.end(true, () => log.push('done'))
    expect(log).toEqual(['done'])
    expect(outbound.unsentBytes).toBe(20)
  })

  it('lets go of everything, counts it as unsent, and is deaf from then on', async () => {
    const { clock, drain, log, outbound } = blocked({ mark: 20 })
    outbound.push(packet('a'))
    outbound.push(packet('b'))
    outbound.ping(bytes(1))
    outbound.pong(bytes(2))
    const { room } = outbound
    expect(room).toBeDefined()
    outbound.release()
    outbound.release()
    await room
    expect(outbound.room).toBeUndefined()
    log.length = 0
    outbound.push(packet('c'))
    outbound.ping(bytes(3))
    outbound.pong(bytes(4))
    outbound.end(false, () => log.push('done'))
    outbound.flush()
    expect(outbound.unsentBytes).toBe(10 + 20 + 10)
    drain()
    await clock.advance(1_000)
    expect(log).toEqual([])
    expect(clock.timerCount).toBe(0)
  })
})
