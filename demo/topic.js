// A topic that a page follows in one of four ways, and goes on where it was when a way breaks or another is chosen:
// nothing lost and nothing twice, or it says that there is a gap. The rules are those of docs/reference/protocol.md.

import { backoff, open } from './connection.js'

const SUBPROTOCOL = 'windsock.v1.json'
const POLL_EVERY_MS = 1_000

/**
 * Follows `topic` in `way` (websocket | sse | long-poll | poll): its `last` messages first, then each later one.
 * `onItem` gets a message's data, `onGap` is told when messages are missing, `onRefused` why one of ours was not taken.
 */
export function follow(topic, { way, last = 50, ...events }) {
  const reader = makeReader(events)
  const ways = {
    websocket: overWebSocket,
    sse: overEventStream,
    'long-poll': overPolls,
    poll: overPolls,
  }
  let present = ways[way](topic, reader, { way, last, ...events })
  return {
    connect: () => present.connect(),
    close: (code) => present.close(code),
    publish: (data) => present.publish(data),
    /** Goes on in another way, from the same position. */
    change(next) {
      present.end()
      present = ways[next](topic, reader, { way: next, last, ...events })
    },
  }
}

/** What has been read, and the rule of the client. */
function makeReader({ onItem, onGap }) {
  const reader = {
    position: undefined,
    /** False when something before it is missing. */
    take({ offset, prev = offset - 1, data }) {
      if (offset <= reader.position.offset) return true
      if (prev > reader.position.offset) return false
      reader.position.offset = offset
      onItem(data)
      return true
    },
    gap(position) {
      reader.position = position
      onGap()
    },
  }
  return reader
}

function overWebSocket(topic, reader, { last, onState, onRefused }) {
  let nextId = 1
  let ended = false
  // Published and not acknowledged yet; sent again with the same key, so that none is there twice.
  const waiting = new Map()
  const connection = open('/topics', {
    protocols: [SUBPROTOCOL],
    onState: (status) => ended || onState(status),
    onMessage: (text) => ended || take(JSON.parse(text)),
  })
  const send = (frame) => connection.send(JSON.stringify(frame))

  function subscribe() {
    const begin = reader.position === undefined ? { last } : { since: reader.position }
    send({ type: 'subscribe', id: 0, topic, ...begin })
  }

  function take(frame) {
    if (frame.type === 'welcome') {
      subscribe()
      for (const publish of waiting.values()) send(publish)
    } else if (frame.type === 'subscribed') {
      const position = { epoch: frame.epoch, offset: frame.start }
      if (frame.recovered) reader.position = position
      else reader.gap(position)
    } else if (frame.type === 'messages') {
      if (!frame.items.every(reader.take)) subscribe()
    } else if (frame.type === 'gap') {
      reader.gap({ ...reader.position, offset: frame.to })
    } else if (frame.type === 'ack') {
      waiting.delete(frame.id)
    } else if (frame.type === 'error' && waiting.delete(frame.id)) {
      onRefused(frame.message)
    }
  }

  return {
    connect: connection.connect,
    close: connection.close,
    end() {
      ended = true
      connection.close(1000)
    },
    /** Publishes; false when the connection is not open. */
    publish(data) {
      const id = nextId++
      const frame = { type: 'publish', id, topic, data, key: randomKey() }
      if (!send(frame)) return false
      waiting.set(id, frame)
      return true
    },
  }
}

/** What the ways over HTTP share: where to ask, what to do with an answer, publishing, and beginning again. */
function overHttp(topic, reader, { last, onState, onRefused }, run) {
  const path = `/topics/${encodeURIComponent(topic)}`
  let attempt = 0
  let present

  const http = {
    /** The address that asks for what comes next. */
    async address(parameters) {
      if (reader.position === undefined) await begin()
      const offset = `${reader.position.epoch}_${String(reader.position.offset).padStart(16, '0')}`
      return `${path}?${new URLSearchParams({ offset, envelope: '1', ...parameters })}`
    },
    take(items) {
      for (const item of items) reader.take(item)
    },
    opened() {
      attempt = 0
      onState({ state: 'open', text: 'Open', code: undefined, reason: '' })
    },
    /** What was read last is no longer kept, or was in another log. */
    async lost() {
      const { epoch, head } = await newest()
      const floor = await oldest()
      reader.gap({ epoch, offset: Math.min(floor, head) })
    },
  }

  async function newest() {
    const response = await fetch(`${path}?offset=now`)
    const [epoch, offset] = response.headers.get('Stream-Next-Offset').split('_')
    return { epoch, head: Number(offset) }
  }

  async function oldest() {
    const [first] = await (await fetch(`${path}?offset=-1&envelope=1`)).json()
    return first === undefined ? Number.POSITIVE_INFINITY : first.offset - 1
  }

  async function begin() {
    const { epoch, head } = await newest()
    reader.position = { epoch, offset: Math.max(0, head - last) }
  }

  function connect() {
    const life = { over: false, stop: () => {} }
    present = life
    onState({ state: 'connecting', text: 'Connecting…', code: undefined, reason: '' })
    run(http, life).catch(() => {
      if (life.over) return
      const delay = backoff(attempt++)
      const seconds = Math.max(1, Math.ceil(delay / 1_000))
      onState({
        state: 'waiting',
        text: `Server not reachable. Asking again in ${seconds} s…`,
        code: undefined,
        reason: '',
      })
      const timer = setTimeout(connect, delay)
      life.stop = () => clearTimeout(timer)
    })
  }

  function end() {
    present.over = true
    present.stop()
  }

  connect()
  return {
    connect() {
      end()
      connect()
    },
    close() {
      end()
      onState({ state: 'closed', text: 'Closed by you.', code: undefined, reason: '' })
    },
    end,
    publish(data) {
      if (present.over) return false
      void post(path, data, randomKey(), onRefused)
      return true
    },
  }
}

/** Publishes; once more with the same key when the answer was lost. */
async function post(path, data, key, onRefused) {
  const request = {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'Idempotency-Key': key },
    body: data,
  }
  for (let tries = 0; tries < 5; tries++) {
    try {
      const response = await fetch(path, request)
      if (!response.ok) onRefused((await response.text()).trim())
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, backoff(tries)))
    }
  }
  onRefused('the server cannot be reached')
}

/** Asks again and again: at once when long polls wait on the server, every second otherwise. */
function overPolls(topic, reader, options) {
  const isLong = options.way === 'long-poll'
  return overHttp(topic, reader, options, async (http, life) => {
    const abort = new AbortController()
    life.stop = () => abort.abort()
    let cursor
    for (let first = true; !life.over; first = false) {
      // The first question is answered at once in either way, so that the page knows that it may speak.
      const long = isLong && !first ? { live: 'long-poll', ...(cursor && { cursor }) } : {}
      const response = await fetch(await http.address(long), { signal: abort.signal })
      if (life.over) return
      if (response.status === 410) await http.lost()
      else if (!response.ok) throw new Error(`status ${response.status}`)
      else if (response.status !== 204) http.take(await response.json())
      cursor = response.headers.get('Stream-Cursor')
      if (first) http.opened()
      if (!isLong) await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
    }
  })
}

/** Listens; the browser comes back by itself, with the last id that it saw. */
function overEventStream(topic, reader, options) {
  return overHttp(topic, reader, options, async (http, life) => {
    const source = new EventSource(await http.address({ live: 'sse' }))
    await new Promise((_resolve, reject) => {
      life.stop = () => {
        source.close()
        reject(new Error('over'))
      }
      source.addEventListener('open', () => http.opened())
      source.addEventListener('data', (event) => http.take(JSON.parse(event.data)))
      source.addEventListener('error', () => {
        // The stream has ended, as it does every minute, and comes again; anything else is for us to mend.
        if (source.readyState === EventSource.CONNECTING) return
        source.close()
        http.lost().then(() => reject(new Error('lost')), reject)
      })
    })
  })
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (number) =>
    number.toString(36),
  ).join('')
}
