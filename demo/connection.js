// One WebSocket that looks after itself: it dials, reports every change of state, and after an
// unwanted close waits (truncated exponential backoff, full jitter) and dials again.

const BACKOFF_FIRST = 500
const BACKOFF_CAP = 10_000
// A connection that held this long was a good one: the next failure starts from the first delay.
const STEADY_AFTER = 5_000
const MAX_REASON_BYTES = 123

const FINAL_CODES = new Set([1000, 1002, 1003, 1007, 1008, 1009])

const CODE_NAMES = new Map([
  [1000, 'Normal closure'],
  [1001, 'Server going away'],
  [1002, 'Protocol error'],
  [1003, 'Unsupported data'],
  [1005, 'Closed without a code'],
  [1006, 'Connection lost'],
  [1007, 'Invalid data'],
  [1008, 'Refused by policy'],
  [1009, 'Message too big'],
  [1010, 'Missing extension'],
  [1011, 'Server error'],
  [1012, 'Server restarting'],
  [1013, 'Try again later'],
  [1014, 'Bad gateway'],
])

/** True for the close codes after which dialling again would be wrong. */
export function isFinal(code) {
  return FINAL_CODES.has(code) || (code >= 4000 && code <= 4499)
}

/** How long to wait before retry number `attempt` (from 0), in milliseconds. */
export function backoff(attempt, random = Math.random) {
  return random() * Math.min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** attempt)
}

/** What is wrong with a close code and reason typed by a person; '' when they can be sent. */
export function closeProblem(code, reason) {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    return 'A page may only close with code 1000, or one from 3000 to 4999.'
  }
  if (code === undefined && reason !== '') return 'A reason needs a close code.'
  const bytes = new TextEncoder().encode(reason).length
  if (bytes > MAX_REASON_BYTES) {
    return `The reason takes ${bytes} bytes; a close frame has room for ${MAX_REASON_BYTES}.`
  }
  return ''
}

/**
 * Opens `path` on the page's own host. `onState` receives { state, text, code, reason } where state
 * is connecting | open | waiting | closing | closed; code and reason are those of the latest close.
 * `protocols` are the subprotocols to offer.
 */
export function open(path, { onState, onMessage, auto = true, protocols = [] }) {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  const url = `${scheme}//${location.host}${path}`

  let socket
  let state = 'closed'
  let last = { code: undefined, reason: '' }
  let attempt = 0
  let wanted = false
  let openedAt
  let retryTimer
  let countdownTimer

  function report(next, text) {
    state = next
    onState({ state, text, ...last })
  }

  function stopWaiting() {
    clearTimeout(retryTimer)
    clearInterval(countdownTimer)
  }

  function dial(text) {
    stopWaiting()
    wanted = false
    openedAt = undefined
    socket = new WebSocket(url, protocols)
    socket.addEventListener('open', () => {
      openedAt = performance.now()
      if (!wanted) report('open', 'Open')
    })
    socket.addEventListener('message', (event) => onMessage(event.data))
    socket.addEventListener('close', closed)
    report('connecting', text)
  }

  function closed({ code, reason }) {
    const wasOpen = openedAt !== undefined
    last = { code, reason }
    if (wanted) {
      report('closed', wasOpen ? `Closed by you (${code}).` : 'Cancelled before it was open.')
      return
    }
    const lost = code === 1006 && !wasOpen
    const name = lost ? 'Server not reachable' : (CODE_NAMES.get(code) ?? 'Closed by the server')
    const what = `${name} (${code}).`
    if (isFinal(code)) {
      report('closed', `${what} Not reconnecting.`)
      return
    }
    if (wasOpen && performance.now() - openedAt >= STEADY_AFTER) attempt = 0
    wait(what, backoff(attempt))
    attempt += 1
  }

  function wait(what, delay) {
    const until = performance.now() + delay
    const secondsLeft = () => Math.max(1, Math.ceil((until - performance.now()) / 1000))
    let shown = secondsLeft()
    const tell = () => report('waiting', `${what} Reconnecting in ${shown} s…`)
    retryTimer = setTimeout(dial, delay, 'Reconnecting…')
    countdownTimer = setInterval(() => {
      if (secondsLeft() === shown) return
      shown = secondsLeft()
      tell()
    }, 200)
    tell()
  }

  function connect() {
    if (state !== 'closed' && state !== 'waiting') return
    attempt = 0
    dial('Connecting…')
  }

  function close(code, reason = '') {
    if (state === 'waiting') {
      stopWaiting()
      report('closed', 'Stopped reconnecting.')
    } else if (state === 'connecting' || state === 'open') {
      if (code === undefined) socket.close()
      else socket.close(code, reason)
      wanted = true
      report('closing', 'Closing…')
    }
  }

  /** Sends one text frame; false when there is no open connection to carry it. */
  function send(text) {
    if (state !== 'open' || socket.readyState !== WebSocket.OPEN) return false
    socket.send(text)
    return true
  }

  // The network is back: no reason to sit out the rest of the delay.
  window.addEventListener('online', () => {
    if (state === 'waiting') dial('Reconnecting…')
  })

  if (auto) connect()
  else report('closed', 'Not connected yet.')

  return { connect, close, send }
}
