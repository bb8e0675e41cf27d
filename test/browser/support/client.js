// Reads one topic; what came, and how the client stood, lie in `seen` for the tests.

import { connect } from '/windsock-client.js'

const transports = new URLSearchParams(location.search).get('transports').split(',')
const client = connect('/topics', { transports, firstRetryMs: 20, maxRetryMs: 100, pollMs: 50 })
const chat = client.topic('chat', { from: 'start' })
const seen = { events: [], states: [] }
chat.events$.subscribe((event) => seen.events.push(event))
client.state$.subscribe(({ state, transport }) => seen.states.push(`${state} ${transport}`))
Object.assign(globalThis, { seen, publish: (text) => chat.publish(text) })
