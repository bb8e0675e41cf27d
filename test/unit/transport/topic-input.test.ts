import { describe, expect, it } from 'vitest'
import { bodyReader } from '../../../src/transport/topic-input.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

function read(kept: string, posted: string | undefined, body: string | Uint8Array) {
  const reader = bodyReader(kept, posted)
  if (typeof reader !== 'function') return reader.status
  const inputs = reader(typeof body === 'string' ? bytes(body) : body)
  return 'status' in inputs ? inputs.status : inputs
}

describe('the body of a POST to a JSON topic', () => {
  const json = (body: string | Uint8Array) => read('application/json', 'application/json', body)

  it('is one message, or each value of an array', () => {
    expect(json('{"a":[1]}')).toEqual([{ a: [1] }])
    expect(json('"text"')).toEqual(['text'])
    expect(json('null')).toEqual([null])
    expect(json('[1,[2,3],"x"]')).toEqual([1, [2, 3], 'x'])
  })

  it('is refused when it is empty, no JSON, no UTF-8', () => {
    for (const body of ['', '[]', '{', 'undefined', '1 2', '\ufeff1']) expect(json(body)).toBe(400)
    expect(json(new Uint8Array([0x22, 0xff, 0x22]))).toBe(400)
  })

  it('is refused above 64 levels, which brackets in texts are not', () => {
    expect(json('['.repeat(64) + ']'.repeat(64))).toHaveLength(1)
    expect(json('['.repeat(65) + ']'.repeat(65))).toBe(400)
    expect(json('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toBe(400)
    const text = `"\\"${'['.repeat(100)}\\\\"`
    expect(json(text)).toEqual([JSON.parse(text)])
    expect(json('['.repeat(60_000))).toBe(400)
  })

  it('may be a plain text, which is one message', () => {
    expect(read('application/json', 'text/plain; charset=UTF-8', '[1]')).toEqual(['[1]'])
    expect(read('application/json', 'TEXT/PLAIN', '')).toBe(400)
  })

  it('is refused as anything else', () => {
    expect(read('application/json', 'application/octet-stream', 'x')).toBe(409)
    expect(read('application/json', 'text/html', 'x')).toBe(409)
    expect(read('application/json', 'nonsense', 'x')).toBe(409)
  })

  it('needs a content type, and UTF-8', () => {
    expect(read('application/json', undefined, '1')).toBe(400)
    expect(read('application/json', ' ', '1')).toBe(400)
    expect(read('application/json', 'text/plain; charset=latin1', 'x')).toBe(415)
    expect(read('application/json', 'application/json; charset="utf-8"', '1')).toEqual([1])
  })
})

describe('the body of a POST to another topic', () => {
  it('is one text, where the topic is text', () => {
    expect(read('text/plain', 'text/plain', '[1]')).toEqual(['[1]'])
    expect(read('text/plain', 'text/plain', '\ufeffx')).toEqual(['\ufeffx'])
    expect(read('text/plain', 'text/plain', '')).toBe(400)
    expect(read('text/plain', 'application/json', '1')).toBe(409)
  })

  it('is one message of bytes, where it is neither text nor JSON', () => {
    const body = new Uint8Array([0, 255])
    expect(read('image/png', 'image/png', body)).toEqual([body])
    expect(read('image/png', 'image/png', new Uint8Array())).toBe(400)
    expect(read('image/png', 'image/gif', body)).toBe(409)
  })
})
