import { describe, expect, it } from 'vitest'
import type { TopicItem } from '../../../src/streams/history.ts'
import {
  envelopeFormat,
  mediaType,
  TopicFormats,
  topicFormat,
} from '../../../src/transport/topic-format.ts'

const items: readonly TopicItem[] = [
  { offset: 1, atMs: 10, kind: 'text', message: 'a"\n' },
  { offset: 2, atMs: 20, kind: 'json', message: '{"b":1}' },
  { offset: 3, atMs: 30, kind: 'binary', message: new Uint8Array([1, 2, 255]).subarray(1) },
]

describe('a page', () => {
  it('of a JSON topic is an array of its messages', () => {
    const format = topicFormat('application/json; charset=utf-8')
    expect(format.page(items)).toBe('["a\\"\\n",{"b":1},{"data64":"Av8="}]')
    expect(format.page([])).toBe('[]')
    expect(format.eventLines(items)).toBe(`data:${format.page(items) as string}\n`)
    expect(format.eventEncoding).toBeUndefined()
    expect(format.contentType).toBe('application/json; charset=utf-8')
  })

  it('of a text topic is its texts end to end', () => {
    const format = topicFormat('text/markdown')
    expect(format.page(items.slice(0, 2))).toBe('a"\n{"b":1}')
    expect(format.page([])).toBe('')
  })

  it('of any other topic is its bytes end to end, in events as base64', () => {
    const format = topicFormat('image/png')
    expect(format.page(items)).toEqual(Buffer.from('a"\n{"b":1}\x02\xff', 'latin1'))
    expect(format.eventLines(items)).toBe('data:YSIKeyJiIjoxfQL/\n')
    expect(format.eventEncoding).toBe('base64')
  })

  it('with envelopes has the offset and the time of each, and tells bytes from objects', () => {
    expect(JSON.parse(envelopeFormat().page(items) as string)).toEqual([
      { offset: 1, ts: 10, data: 'a"\n' },
      { offset: 2, ts: 20, data: { b: 1 } },
      { offset: 3, ts: 30, data64: 'Av8=' },
    ])
  })

  it('that many ask for is written once', () => {
    const format = topicFormat('image/png')
    expect(format.page(items)).toBe(format.page([...items]))
    expect(format.page(items.slice(1))).not.toEqual(format.page(items))
  })
})

describe('the formats of topics', () => {
  it('are asked for once, by name', () => {
    const asked: string[] = []
    const formats = new TopicFormats((name) => {
      asked.push(name)
      return 'text/plain'
    })
    const topic = {} as never
    expect(formats.of(topic, 'news').plain.contentType).toBe('text/plain')
    expect(formats.of(topic, 'news')).toBe(formats.of(topic, 'news'))
    expect(asked).toEqual(['news'])
  })

  it('do not mind case, spaces and parameters of a content type', () => {
    expect(mediaType(' Application/JSON ; charset=utf-8')).toBe('application/json')
  })
})
