// What a page says of its client: the state in words, with a countdown while it waits.

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

const TRANSPORTS = {
  websocket: ' (WebSocket)',
  sse: ' (event stream)',
  'long-poll': ' (long poll)',
  poll: ' (poll)',
}

/** Shows every state of `client` on `panel`; `changed` is told its name. */
export function showStatus(client, panel, changed = () => {}) {
  let countdown
  let previous = { state: 'idle' }
  let wasOpen = false
  // Whether the button was pressed, rather than the server having closed.
  let byUs = false

  function what({ code }) {
    if (code === 1006 && !wasOpen) return 'Server not reachable (1006).'
    return `${CODE_NAMES.get(code) ?? 'Closed by the server'} (${code}).`
  }

  function ended({ state, lastClose }) {
    if (previous.state === 'waiting' || previous.state === 'offline') return 'Stopped reconnecting.'
    if (previous.state !== 'closing' && byUs) return 'Cancelled before it was open.'
    if (byUs) return `Closed by you (${lastClose?.code ?? 1006}).`
    return `${what(lastClose)}${state === 'failed' ? ' Not reconnecting.' : ''}`
  }

  function words(present) {
    const { state, transport, attempt, retryAtMs, lastClose } = present
    switch (state) {
      case 'open':
        return `Open${TRANSPORTS[transport]}`
      case 'resuming':
        return lastClose === null ? 'Connecting…' : 'Resuming where you were…'
      case 'waiting': {
        const seconds = Math.max(1, Math.ceil((retryAtMs - Date.now()) / 1_000))
        return `${what(lastClose)} Reconnecting in ${seconds} s…`
      }
      case 'offline':
        return 'You are offline. Reconnecting when you are back…'
      case 'closing':
        return 'Closing…'
      case 'closed':
      case 'failed':
        return ended(present)
      default:
        return attempt > 0 ? 'Reconnecting…' : 'Connecting…'
    }
  }

  function show(present) {
    const { lastClose } = present
    panel.show({
      state: SHOWN_AS[present.state] ?? present.state,
      text: words(present),
      code: lastClose?.code,
      reason: lastClose?.reason ?? '',
    })
  }

  client.state$.subscribe((present) => {
    clearInterval(countdown)
    if (present.state === 'open') wasOpen = true
    if (present.state === 'connecting') wasOpen = false
    show(present)
    if (present.state === 'waiting') countdown = setInterval(show, 200, present)
    previous = present
    changed(present.state)
  })

  return {
    /** Closes the client because somebody wanted it. */
    close(code, reason) {
      byUs = true
      void client.close(code, reason)
    },
  }
}

const SHOWN_AS = {
  idle: 'connecting',
  resuming: 'connecting',
  offline: 'waiting',
  failed: 'closed',
}
