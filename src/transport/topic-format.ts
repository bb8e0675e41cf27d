// Topic format: how messages are written into a response, by the content type of their topic.
//
//   application/json   an array of the messages: a text as a JSON string, an object as its JSON text, bytes as
//                      `{"data64":"…"}`. The default, and the one in which messages keep their borders
//   text/…             the messages end to end
//   any other          their bytes end to end; in an event stream, base64
//
// With `envelope` it is an array of the items of the resume protocol, whatever the content type: `{"offset","ts","data"}`,
// where bytes are `data64` in place of `data`, so that no object can be taken for them.
//
// Many readers ask for the same page in the same turn, because one message woke them: a format remembers the last one.

import type { ResponseBody } from '../protocol/http-answer.ts'
import type { Message } from '../protocol/message.ts'
import { itemJson } from '../protocol/resume.ts'
import type { TopicLog } from '../streams/broadcast.ts'
import type { TopicItem } from '../streams/history.ts'
import { dataLines } from './server-sent-events.ts'

/** What is written as one: the messages of a stretch of a topic. */
export type Page = readonly TopicItem[]

export interface TopicFormat {
  readonly contentType: string
  /** The body of a response. */
  page(page: Page): ResponseBody
  /** The data of one event, as its lines. */
  eventLines(page: Page): string
  /** How a client has to read the data of an event; `undefined`: as it is. */
  readonly eventEncoding: 'base64' | undefined
}

/** The content type without its parameters, in lower case. */
export function mediaType(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase()
}

export function topicFormat(contentType: string): TopicFormat {
  const media = mediaType(contentType)
  if (media === 'application/json') return textual(contentType, (page) => array(page, value))
  if (media.startsWith('text/')) {
    return textual(contentType, (page) => page.map(({ message }) => textOf(message)).join(''))
  }
  const bytes = remembering((page) => Buffer.concat(page.map(({ message }) => bytesOf(message))))
  return {
    contentType,
    page: bytes,
    eventLines: remembering((page) => dataLines(bytes(page).toString('base64'))),
    eventEncoding: 'base64',
  }
}

/** The format of `&envelope=1`. */
export function envelopeFormat(): TopicFormat {
  return textual('application/json', (page) =>
    array(page, ({ offset, atMs, kind, message }) => itemJson(offset, atMs, kind, message)),
  )
}

/** The two ways to write each topic, made when it is first asked for. */
export class TopicFormats {
  readonly #contentType: (name: string) => string
  readonly #known = new WeakMap<TopicLog, { plain: TopicFormat; envelope: TopicFormat }>()

  /** @param contentType - the content type of the topic of that name. */
  constructor(contentType: (name: string) => string) {
    this.#contentType = contentType
  }

  of(topic: TopicLog, name: string): { plain: TopicFormat; envelope: TopicFormat } {
    let known = this.#known.get(topic)
    if (known === undefined) {
      known = { plain: topicFormat(this.#contentType(name)), envelope: envelopeFormat() }
      this.#known.set(topic, known)
    }
    return known
  }
}

function textual(contentType: string, write: (page: Page) => string): TopicFormat {
  const text = remembering(write)
  const eventLines = remembering((page) => dataLines(text(page)))
  return { contentType, page: text, eventLines, eventEncoding: undefined }
}

function array(page: Page, write: (item: TopicItem) => string): string {
  return `[${page.map(write).join(',')}]`
}

function value({ kind, message }: TopicItem): string {
  if (typeof message !== 'string') return `{"data64":"${bytesOf(message).toString('base64')}"}`
  // An object has been encoded when it was published.
  return kind === 'json' ? message : JSON.stringify(message)
}

function textOf(message: Message): string {
  return typeof message === 'string' ? message : bytesOf(message).toString('utf8')
}

function bytesOf(message: Message): Buffer {
  return typeof message === 'string'
    ? Buffer.from(message)
    : Buffer.from(message.buffer, message.byteOffset, message.byteLength)
}

/** `write`, which is not asked again for the page that it wrote last. Items are told apart by what they are. */
function remembering<T>(write: (page: Page) => T): (page: Page) => T {
  let last: { readonly page: Page; readonly written: T } | undefined
  return (page) => {
    if (last !== undefined && isSame(last.page, page)) return last.written
    const written = write(page)
    last = { page, written }
    return written
  }
}

function isSame(one: Page, other: Page): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}
