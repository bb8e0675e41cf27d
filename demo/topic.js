// A topic over a WebSocket that looks after itself: after a lost connection it goes on where it was, nothing lost and
// nothing twice, or it says that there is a gap. The rules are those of docs/reference/protocol.md.

import { open } from './connection.js'

const SUBPROTOCOL = 'windsock.v1.json'

/**
 * Follows `topic`: its `last` messages first, then each later one. `onItem` gets a message's data, `onGap` is told when
 * messages are missing, `onRefused` why one of ours was not taken.
 */
export function follow(topic, { onState, onItem, onGap, onRefused, last = 50 }) {
  let position
  let nextId = 1
  // Published and not acknowledged yet; sent again with the same key, so that none is there twice.
  const waiting = new Map()

  const connection = open('/topics', {
    protocols: [SUBPROTOCOL],
    onState,
    onMessage: (text) => take(JSON.parse(text)),
  })

  const send = (frame) => connection.send(JSON.stringify(frame))

  function subscribe() {
    const begin = position === undefined ? { last } : { since: position }
    send({ type: 'subscribe', id: 0, topic, ...begin })
  }

  function take(frame) {
    switch (frame.type) {
      case 'welcome':
        subscribe()
        for (const publish of waiting.values()) send(publish)
        return
      case 'subscribed':
        if (!frame.recovered) onGap()
        position = { epoch: frame.epoch, offset: frame.start }
        return
      case 'messages':
        for (const item of frame.items) if (!takeItem(item)) return
        return
      case 'gap':
        position.offset = frame.to
        onGap()
        return
      case 'ack':
        waiting.delete(frame.id)
        return
      case 'error':
        if (waiting.delete(frame.id)) onRefused(frame.message)
    }
  }

  /** False when something before it is missing: then everything since is asked for again. */
  function takeItem({ offset, prev = offset - 1, data }) {
    if (offset <= position.offset) return true
    if (prev > position.offset) {
      subscribe()
      return false
    }
    position.offset = offset
    onItem(data)
    return true
  }

  return {
    connect: connection.connect,
    close: connection.close,
    /** Publishes; false when the connection is not open. */
    publish(data) {
      const id = nextId++
      const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) =>
        n.toString(36),
      ).join('')
      const frame = { type: 'publish', id, topic, data, key }
      if (!send(frame)) return false
      waiting.set(id, frame)
      return true
    },
  }
}
