// Address: from what the user wrote to where sockets and requests go.
//
// `http:` and `ws:` stand for each other here, `https:` and `wss:` too. A topic stands below the address, and what is
// asked after `?`, such as a token, goes with every request.

import { describe, SettingError, show } from '../protocol/errors.ts'

/** @throws SettingError for what is no address, or one with another scheme, or a fragment. */
export function parseAddress(url: string | URL, base: string | undefined): URL {
  let address: URL
  try {
    address = new URL(url, base)
  } catch (cause) {
    throw new SettingError(`cannot connect to ${show(String(url))}: ${describe(cause)}`)
  }
  if (!/^(ws|http)s?:$/.test(address.protocol) || address.hash !== '') {
    throw new SettingError(
      `cannot connect to ${show(String(url))}: it must be http(s): or ws(s):, without a fragment`,
    )
  }
  return address
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
