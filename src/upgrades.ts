// Upgrades: brings the upgrade requests of an HTTP server to the runtimes that are attached to it.
//
// An HTTP server gets one listener of ours, however many are attached: the first that has a route for the path answers,
// and any other listener is really another's. What is on no path of ours is left to those, and refused where there are none.

import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TrustedProxies, UNIX_PEER } from './http/client-address.ts'
import type { IncomingUpgrade } from './http/request.ts'
import type { UpgradeRequest } from './protocol/handshake.ts'
import type { RouteMatch, Runtime } from './runtime.ts'
import { liveClock } from './transport/live-ports.ts'
import { owesAnswer } from './transport/node-internals.ts'
import { refuse, WsServers } from './transport/ws-server.ts'

/** A request as Node tells of it, or as it was read here. */
type Asked = UpgradeRequest | IncomingMessage

/** Is given an upgrade request, its socket and what came behind it. */
type TakeUpgrade = (request: Asked, socket: Duplex, head: Buffer) => void

/** A place where upgrades are brought to a runtime. */
export interface UpgradesTaken {
  /** As if Node had told of the upgrade. */
  readonly take: TakeUpgrade
  stop(): void
}

/** Who answers upgrades, and what it believes of who asks. */
interface Attachment {
  readonly runtime: Runtime
  readonly proxies: TrustedProxies
  readonly servers: WsServers
}

/** What is attached to one HTTP server, in the order in which it came. */
interface Attachments {
  readonly all: Set<Attachment>
  readonly listener: TakeUpgrade
}

const attachedTo = new WeakMap<HttpServer, Attachments>()

/** Brings upgrades on the paths of the runtime to it. */
export function takeUpgrades(
  http: HttpServer,
  runtime: Runtime,
  proxies: TrustedProxies,
): UpgradesTaken {
  const attachments = attachedTo.get(http) ?? attachmentsOf(http)
  attachedTo.set(http, attachments)
  const { all, listener } = attachments
  const attachment = { runtime, proxies, servers: new WsServers(liveClock) }
  all.add(attachment)
  // Its owner may have removed it.
  if (!http.listeners('upgrade').includes(listener)) http.on('upgrade', listener)
  const stop = () => {
    all.delete(attachment)
    if (all.size === 0) http.off('upgrade', listener)
  }
  return { take: listener, stop }
}

function attachmentsOf(http: HttpServer): Attachments {
  const all = new Set<Attachment>()
  const listener: Attachments['listener'] = (request, socket, head) => {
    for (const attachment of all) {
      const match = attachment.runtime.match(request.url ?? '/')
      if (match === undefined) continue
      if (isInTurn(socket)) accept(attachment, match, request, socket, head)
      return
    }
    if (http.listenerCount('upgrade') > 1 || !isInTurn(socket)) return
    refuse(socket, 404, 'there is nothing at this path')
  }
  return { all, listener }
}

/** Whether it may be answered now; what may not is cut off. */
function isInTurn(socket: Duplex): boolean {
  if (!owesAnswer(socket)) return true
  // Ours would overtake the answer to an earlier request, which would then stand among the frames (RFC 9112 §9.3.2).
  socket.destroy()
  return false
}

function accept(
  { runtime, proxies, servers }: Attachment,
  match: RouteMatch,
  request: Asked,
  socket: Duplex,
  head: Buffer,
): void {
  const upgrade = upgradeOf(request, socket, proxies)
  const connection = runtime.accept(match, upgrade, servers.door(upgrade, socket, head))
  if (connection?.state !== 'connecting') return
  // Once there is a link it is the transport that tells. Until then nobody listens for errors, which would end the process.
  socket.on('error', destroy)
  socket.once('close', () => connection.socketGone())
}

// One for all sockets, which keep it for life.
function destroy(this: Duplex): void {
  this.destroy()
}

/** What a request tells about itself, as plain data. */
export function upgradeOf(
  request: Asked,
  socket: Duplex,
  proxies: TrustedProxies,
): IncomingUpgrade {
  const client = proxies.clientOf(peerOf(socket), 'encrypted' in socket, request.rawHeaders)
  return {
    method: request.method ?? '',
    url: request.url ?? '/',
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    remoteAddress: client.address,
    secure: client.secure,
  }
}

/** The address of the other end, `unix:` on a Unix socket, and empty where it has left and nobody knows any more. */
function peerOf(socket: Duplex): string {
  const { remoteAddress } = socket as Socket
  // A dual-stack socket shows IPv4 peers as `::ffff:127.0.0.1`.
  if (remoteAddress !== undefined) return remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '')
  // One that the peer has reset has lost its other end as well, but not its own.
  const isUnix = socket instanceof Socket && !socket.destroyed && socket.localAddress === undefined
  return isUnix ? UNIX_PEER : ''
}
