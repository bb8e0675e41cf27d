import { runInNewContext } from 'node:vm'
import { of, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  type Delivery,
  deliver,
  deliveryOf,
  isShared,
  jsonOf,
  ownBytes,
  type Sendable,
  type Shared,
  share,
  toMessage,
} from '../../../src/protocol/message.ts'

const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_MESSAGE_TYPE', fault: 'local' })

describe('a message to send (RFC 6455 §5.6)', () => {
  it('is text when it is a string', () => {
    expect(toMessage('')).toBe('')
    expect(toMessage('héllo')).toBe('héllo')
  })

  it('is binary, and the same bytes, when it is a Uint8Array', () => {
    const bytes = new Uint8Array([1, 2])
    expect(toMessage(bytes)).toBe(bytes)
    const buffer = Buffer.from('abc')
    expect(toMessage(buffer)).toBe(buffer)
  })

  it('is binary without a copy when it is a buffer or a view', () => {
    const { buffer } = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7])
    const whole = toMessage(buffer) as Uint8Array
    expect(whole.buffer).toBe(buffer)
    expect(whole.byteLength).toBe(8)
    const part = toMessage(new DataView(buffer, 2, 3)) as Uint8Array
    expect(part.buffer).toBe(buffer)
    expect([...part]).toEqual([2, 3, 4])
    expect([...(toMessage(new Uint16Array(buffer, 2, 2)) as Uint8Array)]).toEqual([2, 3, 4, 5])
    const elsewhere = runInNewContext('new Uint8Array([1, 2]).buffer') as ArrayBuffer
    expect([...(toMessage(elsewhere) as Uint8Array)]).toEqual([1, 2])
    expect(toMessage(new SharedArrayBuffer(3) as unknown as Sendable)).toHaveLength(3)
  })

  it('is JSON text when it is another object or an array', () => {
    expect(toMessage({ a: [1, null] })).toBe('{"a":[1,null]}')
    expect(toMessage([])).toBe('[]')
    expect(toMessage(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"')
  })

  it.each([7, true, null, undefined, () => 1, Symbol('x'), 10n])('cannot be %s', (value) => {
    expect(() => toMessage(value as Sendable)).toThrow(refusal)
    expect(() => share(value as Sendable)).toThrow(refusal)
  })

  const cycle: { self?: object } = {}
  cycle.self = cycle

  it('cannot be an object that JSON does not express', () => {
    expect(() => toMessage(cycle)).toThrow(refusal)
    expect(() => toMessage({ big: 1n })).toThrow(refusal)
    expect(() => toMessage({ toJSON: () => undefined })).toThrow(refusal)
  })

  it.each<[string, () => object, RegExp]>([
    ['a promise', () => Promise.resolve('x'), /promise: await it first.*concatMap/],
    ['an Observable', () => new Subject(), /Observable: send what it emits.*concatMap/],
    ['a map', () => new Map([[1, 2]]), /type Map, of which JSON would leave {}: send a plain/],
    ['an error', () => new RangeError('x'), /type RangeError, of which/],
    [
      'nothing that is known',
      () => Object.create(Object.create(Object.create(null))),
      /type object/,
    ],
    ['a generator', () => (async function* () {})(), /of which JSON would leave {}/],
  ])('cannot be %s, which would be {}', (_, make, message) => {
    expect(() => toMessage(make() as Sendable)).toThrow(message)
    expect(() => share(make() as Sendable)).toThrow(refusal)
  })

  it('may be an object in which there is nothing, or that says itself what it is', () => {
    class Quiet {
      toJSON() {
        return {}
      }
    }
    expect(toMessage({})).toBe('{}')
    expect(toMessage(Object.create(null) as object)).toBe('{}')
    expect(toMessage(new Quiet())).toBe('{}')
  })

  it('does not compile when it is a promise or an Observable', () => {
    // @ts-expect-error A forgotten await.
    expect(() => toMessage(Promise.resolve('x'))).toThrow(refusal)
    // @ts-expect-error map in the place of concatMap.
    expect(() => toMessage(of('x'))).toThrow(refusal)
  })

  it('shared once or not, is the text of an object as it is now where that is asked for', () => {
    const { value } = share({ a: 1 })
    value.a = 2
    expect(jsonOf(value)).toBe('{"a":2}')
    expect(() => jsonOf({ big: 1n })).toThrow(refusal)
  })

  it.each<[string, () => object, RegExp]>([
    ['a cycle', () => cycle, /^[^\n]+ object \([^\n]*circular[^\n]*\): send [^\n]+$/],
    ['a BigInt', () => ({ big: 1n }), / object \(.*BigInt.*\): send /],
    ['a toJSON that yields nothing', () => ({ toJSON() {} }), / object \(.*toJSON.*\): send /],
  ])('says what JSON cannot express, in one line: %s', (_what, value, says) => {
    expect(() => toMessage(value())).toThrow(says)
  })

  it('keeps what JSON threw as the cause', () => {
    const thrown = new Error('no')
    const value = {
      toJSON() {
        throw thrown
      },
    }
    expect(() => toMessage(value)).toThrow(expect.objectContaining({ cause: thrown }))
  })
})

describe('a message shared by many receivers (RFC 6455 §5.6)', () => {
  it('is encoded once for all of them, as long as it is delivered', () => {
    let encodings = 0
    const value = {
      toJSON() {
        encodings++
        return 'x'
      },
    }
    const shared = share(value)
    expect(shared).toEqual({ value, message: '"x"' })
    deliver({ ...shared, forms: new Map() }, () => {
      expect([toMessage(value), toMessage(value)]).toEqual(['"x"', '"x"'])
      expect(encodings).toBe(1)
    })
    expect(toMessage(value)).toBe('"x"')
    expect(encodings).toBe(2)
  })

  it('is what it was, and its value what that is by now', () => {
    const value = { count: 1 }
    const first = share(value)
    value.count = 2
    expect([first.message, toMessage(value), share(value).message]).toEqual([
      '{"count":1}',
      '{"count":2}',
      '{"count":2}',
    ])
  })

  it('is encoded each time when it is not shared', () => {
    const value = { count: 1 }
    expect(toMessage(value)).toBe('{"count":1}')
    value.count = 2
    expect(toMessage(value)).toBe('{"count":2}')
  })

  it('is a copy when it is bytes, whose owner may use them again', () => {
    const bytes = Uint8Array.of(1, 2)
    const { message: copy } = share(bytes) as Shared<Uint8Array> & { message: Uint8Array }
    bytes[0] = 9
    expect(copy).toEqual(Uint8Array.of(1, 2))
    expect([isShared(copy), isShared(bytes)]).toEqual([true, false])
  })

  it('is a copy, too, when it is a Buffer, whose own slice copies nothing', () => {
    const buffer = Buffer.from('abc')
    const { message: copy } = share(buffer)
    buffer.fill(0)
    expect(copy.toString()).toBe('abc')
  })

  it('is copied when it is a buffer or another view, as one of its kind, and its owner may change it', () => {
    class Pair extends Float32Array {
      constructor() {
        super([1, 2])
      }
    }
    const { buffer } = new Uint8Array([1, 2, 3, 4])
    const views = [new DataView(buffer, 1, 2), new Uint16Array(buffer), new Uint16Array(buffer, 2)]
    for (const value of [buffer, ...views, new Pair()]) {
      const bytes = [...(toMessage(value) as Uint8Array)]
      const { value: copy, message } = share(value)
      expect(Object.prototype.toString.call(copy)).toBe(Object.prototype.toString.call(value))
      new Uint8Array('buffer' in value ? value.buffer : value).fill(9)
      expect([...(message as Uint8Array)]).toEqual(bytes)
      expect(isShared(message as Uint8Array)).toBe(true)
      expect(new Set(toMessage(value) as Uint8Array)).toEqual(new Set([9]))
      new Uint8Array(buffer).set([1, 2, 3, 4])
    }
  })

  it('is passed on as it is when it is text', () => {
    expect(share('a').message).toBe('a')
  })
})

describe('the delivery of a message to many', () => {
  const to = (message: Delivery['message']): Delivery => ({
    value: message,
    message,
    forms: new Map(),
  })

  it('is found while it is under way, for its own message alone', () => {
    const delivery = to('a')
    const found: unknown[] = []
    deliver(delivery, () => found.push(deliveryOf('a'), deliveryOf('b')))
    expect(found).toEqual([delivery, undefined])
    expect(deliveryOf('a')).toBeUndefined()
  })

  it('goes on when one that ran inside it is done', () => {
    const [outer, inner] = [to('outer'), to('inner')]
    deliver(outer, () => {
      deliver(inner, () => expect(deliveryOf('inner')).toBe(inner))
      expect([deliveryOf('outer'), deliveryOf('inner')]).toEqual([outer, undefined])
    })
  })

  it('is over, too, when it throws, and its error is handed on', () => {
    const thrown = new Error('no')
    const give = () => {
      throw thrown
    }
    expect(() => deliver(to('a'), give)).toThrow(thrown)
    expect(deliveryOf('a')).toBeUndefined()
  })

  it('shares its bytes with all receivers for as long as it lasts', () => {
    const bytes = Uint8Array.of(1)
    deliver(to(bytes), () =>
      expect([isShared(bytes), isShared(Uint8Array.of(1))]).toEqual([true, false]),
    )
    expect(isShared(bytes)).toBe(false)
  })
})

describe('bytes that are kept', () => {
  const slab = Buffer.alloc(8_192, 1)

  it('few: they are copied out of what they are part of', () => {
    const own = ownBytes(slab.subarray(10, 20))
    expect(own).toEqual(slab.subarray(10, 20))
    expect(own.buffer.byteLength).toBe(10)
    expect(Buffer.isBuffer(own)).toBe(true)
  })

  it('many, or all that there is: they stay where they are', () => {
    const many = slab.subarray(0, 4_096)
    expect(ownBytes(many)).toBe(many)
    const all = Uint8Array.of(1, 2)
    expect(ownBytes(all)).toBe(all)
  })
})
