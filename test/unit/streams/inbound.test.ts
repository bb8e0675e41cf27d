import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Inbound } from '../../../src/streams/inbound.ts'

function gate(limits: { bytes?: number; messages?: number; timeoutMs?: number } = {}) {
  const clock = new VirtualClock()
  const log: string[] = []
  /** What had been delivered whenever the handler rested. */
  const rests: string[] = []
  let answer: (message: unknown) => Promise<void> | undefined = () => undefined
  const setup = {
    clock,
    limits: {
      maxHeldBytes: limits.bytes ?? 100,
      maxHeldMessages: limits.messages ?? 10,
      handlerTimeoutMs: limits.timeoutMs ?? 50,
    },
  }
  const inbound: Inbound = new Inbound(setup, {
    deliver: (message, finished) => {
      log.push(`<${String(message)}>`)
      const pending = answer(message)
      void pending?.then(finished)
      return pending !== undefined
    },
    fail: (thrown) => log.push(`thrown ${String(thrown)}`),
    overran: () => log.push('overran'),
    handlerRests: () => {
      rests.push(log.join(''))
    },
    loadChanged: () => log.push(inbound.isFilled ? 'filled' : 'emptied'),
  })
  return {
    clock,
    log,
    inbound,
    rests,
    /** Messages of one byte each, in one read. */
    read: (...messages: string[]) => {
      for (const message of messages) inbound.next(message, 1)
      inbound.readDone(clock.nowMs())
    },
    answerWith: (how: typeof answer) => {
      answer = how
    },
    /** Deliveries take this long. */
    takes: (ms: number) => {
      answer = () => new Promise((resolve) => clock.setTimeout(resolve, ms))
    },
  }
}

describe('the gate', () => {
  it('holds what comes before it opens, and lets it through in order', () => {
    const { inbound, log } = gate()
    inbound.next('a', 1)
    inbound.next('b', 1)
    expect(log).toEqual([])
    inbound.open()
    inbound.next('c', 1)
    expect(log).toEqual(['<a>', '<b>', '<c>'])
    expect([inbound.messagesReceived, inbound.bytesReceived]).toEqual([3, 3])
  })

  it('keeps few bytes without what they were part of', () => {
    const { inbound, answerWith } = gate()
    const slab = Buffer.alloc(8_192, 7)
    const delivered: Uint8Array[] = []
    answerWith((message) => {
      delivered.push(message as Uint8Array)
      return undefined
    })
    inbound.next(slab.subarray(0, 3), 3)
    inbound.open()
    inbound.next(slab.subarray(3, 6), 3)
    expect(delivered.map(({ buffer }) => buffer.byteLength)).toEqual([3, 8_192])
    expect(delivered).toEqual([slab.subarray(0, 3), slab.subarray(3, 6)])
  })

  it('opens once, and not after it was shut', () => {
    const { inbound, log } = gate()
    inbound.open()
    inbound.open()
    inbound.shut()
    inbound.shut()
    inbound.open()
    inbound.next('late', 4)
    expect(log).toEqual([])
  })

  it('delivers one at a time; the next waits for the promise', async () => {
    const { clock, inbound, log, takes } = gate()
    takes(10)
    inbound.open()
    inbound.next('a', 1)
    inbound.next('b', 1)
    expect(log).toEqual(['<a>'])
    await clock.advance(9)
    expect(log).toEqual(['<a>'])
    await clock.advance(1)
    expect(log).toEqual(['<a>', '<b>'])
  })

  it('keeps the order of what a delivery itself brings in', () => {
    const { inbound, log, answerWith } = gate()
    answerWith((message) => {
      if (message === 'a') inbound.next('b', 1)
      return undefined
    })
    inbound.open()
    inbound.next('a', 1)
    expect(log).toEqual(['<a>', '<b>'])
  })

  it('lets go of what it holds when it is shut', () => {
    const { inbound, log } = gate()
    inbound.next('a', 1)
    inbound.shut()
    expect(log).toEqual([])
    expect(inbound.messagesReceived).toBe(0)
  })
})

describe('the bound', () => {
  it('says when it is reached by bytes or by messages, once, and when there is room again', () => {
    const byBytes = gate({ bytes: 3 })
    byBytes.inbound.next('abc', 3)
    byBytes.inbound.next('d', 1)
    expect(byBytes.log).toEqual(['filled'])
    expect(byBytes.inbound.isFilled).toBe(true)
    byBytes.inbound.open()
    expect(byBytes.log).toEqual(['filled', '<abc>', '<d>', 'emptied'])
    expect(byBytes.inbound.isFilled).toBe(false)
    const byMessages = gate({ messages: 2 })
    byMessages.inbound.next('', 0)
    expect(byMessages.log).toEqual([])
    byMessages.inbound.next('', 0)
    expect(byMessages.log).toEqual(['filled'])
  })
})

describe('a handler that is behind', () => {
  it('rests when it has caught up, as soon as that', async () => {
    const { inbound, rests, read, answerWith } = gate()
    inbound.open()
    answerWith(() => Promise.resolve())
    read('a', 'b', 'c')
    expect(rests).toEqual([])
    for (let hop = 0; hop < 10; hop++) await Promise.resolve()
    expect(rests).toEqual(['<a><b><c>'])
  })

  it('rests where it waits for more than promises, and when it has caught up after that', async () => {
    const { clock, inbound, rests, read, answerWith, takes } = gate()
    inbound.open()
    answerWith(async (message) => {
      if (message === 'b') takes(5)
    })
    read('a', 'b', 'c', 'd')
    await clock.settle()
    expect(rests).toEqual(['<a><b><c>'])
    await clock.advance(10)
    expect(rests.at(-1)).toBe('<a><b><c><d>')
  })

  it('is said nothing of when nothing was held', async () => {
    const { clock, inbound, rests, read, answerWith } = gate()
    inbound.open()
    answerWith(() => Promise.resolve())
    read('a')
    await clock.advance(1)
    expect(rests).toEqual([])
  })
})

describe('a mark', () => {
  it('is called at once when nothing waits, and when the gate is shut', () => {
    const { inbound, log } = gate()
    inbound.mark(() => log.push('first'))
    inbound.next('a', 1)
    inbound.shut()
    inbound.mark(() => log.push('second'))
    expect(log).toEqual(['first', 'second'])
  })

  it('keeps its place behind messages, and stops the reading', async () => {
    const { clock, inbound, log, takes } = gate()
    takes(5)
    inbound.open()
    inbound.next('a', 1)
    inbound.next('b', 1)
    inbound.mark(() => log.push('marked'))
    inbound.mark(() => log.push('marked again'))
    expect(log).toEqual(['<a>', 'filled'])
    await clock.advance(10)
    expect(log).toEqual(['<a>', 'filled', '<b>', 'marked', 'marked again', 'emptied'])
  })

  it('is not lost when the gate is shut over it', () => {
    const { inbound, log } = gate()
    inbound.next('a', 1)
    inbound.mark(() => log.push('marked'))
    inbound.shut()
    expect(log).toEqual(['filled', 'marked'])
  })
})

describe('messages$', () => {
  it('is hot, and the same each time', () => {
    const { inbound } = gate()
    const seen: unknown[] = []
    inbound.open()
    inbound.next('before', 1)
    inbound.messages$.subscribe((message) => seen.push(message))
    inbound.next('after', 1)
    expect(seen).toEqual(['after'])
    expect(inbound.messages$).toBe(inbound.messages$)
  })

  it('completes when the gate is shut, for those who come later, too', () => {
    const early = gate()
    const ends: string[] = []
    early.inbound.messages$.subscribe({ complete: () => ends.push('early') })
    early.inbound.shut()
    early.inbound.messages$.subscribe({ complete: () => ends.push('again') })
    const late = gate()
    late.inbound.shut()
    late.inbound.messages$.subscribe({ complete: () => ends.push('late') })
    expect(ends).toEqual(['early', 'again', 'late'])
  })

  it('reports what a subscriber throws, also at its end, and goes on for the others', () => {
    const { inbound, log } = gate()
    const seen: unknown[] = []
    inbound.messages$.subscribe({
      next: () => {
        throw new Error('next')
      },
      complete: () => {
        throw new Error('complete')
      },
    })
    inbound.messages$.subscribe((message) => seen.push(message))
    inbound.open()
    inbound.next('a', 1)
    inbound.shut()
    expect(seen).toEqual(['a'])
    expect(log).toEqual(['<a>', 'thrown Error: next', 'thrown Error: complete'])
  })
})

describe('a delivery that does not end', () => {
  it('is reported after handlerTimeoutMs', async () => {
    const { clock, inbound, log, read, answerWith } = gate({ timeoutMs: 50 })
    answerWith(() => new Promise(() => {}))
    inbound.open()
    read('a')
    await clock.advance(49)
    expect(log).toEqual(['<a>'])
    await clock.advance(1)
    expect(log).toEqual(['<a>', 'overran'])
    expect(clock.timerCount).toBe(0)
  })

  it('is reported after handlerTimeoutMs, also of a message that was held or came in a later read', async () => {
    for (const later of [false, true]) {
      const { clock, inbound, log, read, takes, answerWith } = gate({ timeoutMs: 50 })
      takes(30)
      inbound.open()
      if (later) read('a')
      else read('a', 'b')
      await clock.advance(29)
      answerWith(() => new Promise(() => {}))
      await clock.advance(1)
      if (later) read('b')
      await clock.advance(49)
      expect(log).toEqual(['<a>', '<b>'])
      await clock.advance(1)
      expect(log).toEqual(['<a>', '<b>', 'overran'])
    }
  })

  it('has its whole time, however long those before it took and whether or not it came in a read', async () => {
    const { clock, inbound, log, takes } = gate({ timeoutMs: 50 })
    inbound.open()
    takes(30)
    inbound.next('a', 1)
    await clock.advance(30)
    takes(49)
    inbound.next('b', 1)
    await clock.advance(49)
    expect(log).toEqual(['<a>', '<b>'])
    await clock.advance(100)
    expect(log).toEqual(['<a>', '<b>'])
    expect(clock.timerCount).toBe(0)
  })

  it('has all the time there is where handlerTimeoutMs is 0', async () => {
    const { clock, inbound, log, answerWith } = gate({ timeoutMs: 0 })
    answerWith(() => new Promise(() => {}))
    inbound.open()
    inbound.next('a', 1)
    await clock.advance(1_000_000)
    expect(log).toEqual(['<a>'])
    expect(clock.timerCount).toBe(0)
  })

  it('is watched no more once the gate is shut, before or within the delivery', () => {
    const before = gate()
    before.answerWith(() => new Promise(() => {}))
    before.inbound.open()
    before.inbound.next('a', 1)
    before.inbound.shut()
    expect(before.clock.timerCount).toBe(0)
    const within = gate()
    within.answerWith(() => {
      within.inbound.shut()
      return new Promise(() => {})
    })
    within.inbound.open()
    within.inbound.next('a', 1)
    expect(within.clock.timerCount).toBe(0)
  })
})
