import { describe, expect, it } from 'vitest'
import { checkUrl, parseAddress } from '../../../src/client/address.ts'

const PAGE = 'https://example.org/rooms/'

describe('the address of a client', () => {
  it.each([
    ['/topics', 'https://example.org/topics'],
    ['topics?token=1', 'https://example.org/rooms/topics?token=1'],
    [new URL('ws://127.0.0.1:8888/topics'), 'ws://127.0.0.1:8888/topics'],
  ])('%s is taken from the page', (url, whole) => {
    expect(parseAddress(url, PAGE).href).toBe(whole)
  })

  it.each([undefined, null, '', '/topics#part', 'ftp://example.org', 'https://'])(
    '%s is none, also in a page',
    (url) => {
      const refused = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
      expect(() => checkUrl(url as never, PAGE)).toThrow(refused)
      expect(() => checkUrl(url as never, undefined)).toThrow(refused)
    },
  )

  it('may be a function, which is not asked yet', () => {
    const url = () => {
      throw new Error('asked')
    }
    expect(checkUrl(url, PAGE)).toBe(url)
  })
})
