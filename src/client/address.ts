// Address: from what the user wrote to where sockets and requests go.
//
// `http:` and `ws:` stand for each other here, `https:` and `wss:` too. A topic stands below the address, and what is
// asked after `?`, such as a token, goes with every request.

import { SettingError, show } from '../protocol/errors.ts'
import type { ClientUrl } from './settings.ts'

/** @throws SettingError for what is no address, or one with another scheme, or a fragment. */
export function parseAddress(url: string | URL, base: string | undefined): URL {
  try {
    const address = new URL(url, base)
    // A page would resolve `undefined` as well.
    if (url && /^(ws|http)s?:$/.test(address.protocol) && address.hash === '') return address
  } catch {}
  throw new SettingError(
    `the url is ${show(url)}: it must be ${base ? '' : 'absolute, '}http(s): or ws(s):, without a fragment`,
  )
}

/** `url` as it is. @throws SettingError at once for an address that can never work; a function is not asked yet. */
export function checkUrl(url: ClientUrl, base: string | undefined): ClientUrl {
  if (typeof url !== 'function') parseAddress(url, base)
  return url
}

/** The address of a WebSocket. */
export function socketAddress(address: URL): string {
  return address.href.replace(/^http/, 'ws')
}

/** The address of a topic over HTTP, with further arguments. */
export function topicAddress(
  address: URL,
  topic: string,
  query: Readonly<Record<string, string>>,
): string {
  const url = new URL(address.href.replace(/^ws/, 'http'))
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${encodeURIComponent(topic)}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}
