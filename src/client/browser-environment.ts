// Browser environment: the WebSocket, fetch and network events of a page or a worker.
//
// What differs from Node: a page may close with 1000 and 3000 to 4999 only, sees no pings, and never learns with which
// HTTP status an upgrade was refused.

import type { ClientSocket, Environment, SocketEvents } from './environment.ts'
import { clientClock, clientRandom } from './live-ports.ts'

// As much of the DOM as is used here; the project is compiled without it.
interface PageSocket {
  binaryType: string
  readonly bufferedAmount: number
  onopen: (() => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
}

interface PageEvents {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

interface Page extends PageEvents {
  readonly WebSocket: new (url: string, protocols: string[]) => PageSocket
  readonly location?: { readonly href: string }
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: PageEvents & { readonly visibilityState: string }
}

const page = globalThis as unknown as Page

export const browserEnvironment: Environment = {
  clock: clientClock,
  random: clientRandom,
  get baseUrl() {
    return page.location?.href
  },
  fetch: (url, init) => fetch(url, init),
  openSocket,
  isOnline: () => page.navigator?.onLine !== false,
  watch(listener) {
    const listeners: [PageEvents | undefined, string, () => void][] = [
      [page, 'online', () => listener('online')],
      [page, 'offline', () => listener('offline')],
      // From the back-forward cache, where the sockets were closed or froze.
      [page, 'pageshow', () => listener('woke')],
      [page.document, 'resume', () => listener('woke')],
      [
        page.document,
        'visibilitychange',
        () => page.document?.visibilityState === 'visible' && listener('woke'),
      ],
    ]
    for (const [target, type, tell] of listeners) target?.addEventListener(type, tell)
    return () => {
      for (const [target, type, tell] of listeners) target?.removeEventListener(type, tell)
    }
  },
}

function openSocket(url: string, protocols: readonly string[], events: SocketEvents): ClientSocket {
  const socket = new page.WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.opened()
  socket.onmessage = ({ data }) =>
    events.received(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
  socket.onclose = ({ code, reason }) => events.closed(code, reason)
  return {
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    send: (message) => socket.send(message),
    close: (code, reason) => (code === undefined ? socket.close() : socket.close(code, reason)),
    destroy() {
      socket.onopen = null
      socket.onmessage = null
      socket.onclose = null
      // Not before it is open is no error here; the browser says so on its console all the same.
      socket.close()
    },
  }
}
