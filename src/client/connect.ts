// connect() and connectPlain(), for one environment.
//
// `index.ts` has them for browsers, `node.ts` for Node.

import { checkUrl } from './address.ts'
import { Client, type ClientOptions } from './client.ts'
import type { Environment } from './environment.ts'
import { PlainClient, type PlainOptions } from './plain-client.ts'
import type { ClientUrl } from './settings.ts'

/**
 * Connects to the topics of a server, and stays connected until it is told to close.
 *
 * In Node what comes in one WebSocket message may take 128 MiB, which is more than a journal stores at once. What is larger
 * ends the connection, and is read over another transport. Browsers have bounds of their own.
 *
 * @param url - where the server has its `topics()`, such as `/topics`; relative addresses in pages only. `http:` and
 *   `ws:` mean the same. A function is asked before each dial.
 * @throws SettingError for an option that is unknown or out of range, and for a `url` that can never work. What is
 *   wrong with one that a function gives shows in `state$`.
 */
export type Connect = (url: ClientUrl, options?: ClientOptions) => Client

/**
 * Connects to any WebSocket server, for plain messages, and connects again until it is told to close.
 *
 * In Node a message of more than 10 MiB ends the connection; browsers have bounds of their own.
 *
 * @param url - as for `connect`.
 * @throws SettingError as `connect`.
 */
export type ConnectPlain = (url: ClientUrl, options?: PlainOptions) => PlainClient

export function connectIn(environment: Environment): Connect {
  return (url, options = {}) => new Client(checkUrl(url, environment.baseUrl), options, environment)
}

export function connectPlainIn(environment: Environment): ConnectPlain {
  return (url, options = {}) =>
    new PlainClient(checkUrl(url, environment.baseUrl), options, environment)
}
