// The chat page: every line the server broadcasts, and a form to say something.

import { showStatus } from './client-status.js'
import { scrollingLog } from './log.js'
import { byTestId, setOff, statusPanel } from './status.js'
import { connect } from './windsock-client.js'

const LINE = /^(\[[^\]]*\])( (?:joined the chat|left the chat)$| says: )([^]*)$/

const form = document.querySelector('#composer')
const message = byTestId('message')
const sendButton = byTestId('send')
const error = byTestId('error')
const counter = document.querySelector('#counter')
const log = scrollingLog(byTestId('log'), document.querySelector('#jump'))
const panel = statusPanel()

const limit = message.maxLength
const tooLong = `Too long: a message may have at most ${limit} characters.`

function lineKind(verb) {
  if (verb.startsWith(' says')) return 'says'
  return verb.startsWith(' joined') ? 'joined' : 'left'
}

function show(line) {
  const found = LINE.exec(line)
  if (!found) {
    log.add('other', [['text', line]])
    return
  }
  const [, who, verb, text] = found
  const parts = [
    ['who', who],
    ['verb', verb],
    ['text', text],
  ]
  log.add(lineKind(verb), parts)
}

const way = byTestId('way')
const ALL = ['websocket', 'sse', 'long-poll', 'poll']
const transports = () => (way.value === 'auto' ? ALL : [way.value])

let client
let room
let status

function gapText({ reason, from, to }) {
  if (reason !== 'trimmed') return 'The server began anew: what was said before is gone.'
  const count = to.offset - from.offset
  const [messages, them] = count === 1 ? ['message is', 'it'] : ['messages are', 'them']
  return `${count} ${messages} missing here: the room does not keep ${them} any more.`
}

/** Joins the room, at the last messages, or where this page was. */
function join() {
  const position = room?.position
  client = connect('/topics', { transports: transports(), pollMs: 1_000, maxRetryMs: 10_000 })
  room = client.topic('chat', position === undefined ? { last: 50 } : { since: position })
  room.events$.subscribe((event) => {
    if (event.type === 'message') show(event.data)
    else log.add('gap', [['text', gapText(event)]])
  })
  status = showStatus(client, panel, (state) => {
    setOff(sendButton, state === 'closing' || state === 'closed' || state === 'failed')
    if (state === 'open') complain('')
  })
}

panel.bind(
  () =>
    client.state.state === 'waiting' || client.state.state === 'offline' ? client.retry() : join(),
  () => status.close(1000),
)
way.addEventListener('change', () => client.use(...transports()))
join()

/** Says it now, or when there is a connection again. */
function publish(text) {
  const { state } = client.state
  if (state === 'closing' || state === 'closed' || state === 'failed') return false
  room.publish(text).catch((error) => complain(`Not sent: ${error.message}.`))
  if (state !== 'open') {
    error.dataset.kind = 'later'
    error.textContent = `Will be sent: ${client.queued} waiting.`
  }
  return true
}

function complain(text) {
  delete error.dataset.kind
  error.textContent = text
  message.setAttribute('aria-invalid', String(text !== ''))
}

function countCharacters() {
  const length = message.value.length
  counter.textContent = length > limit * 0.9 ? `${length} / ${limit}` : ''
}

message.addEventListener('input', () => {
  complain(message.value.length > limit ? tooLong : '')
  countCharacters()
})

// The browser cuts a paste at maxlength without a word; say so instead, and paste nothing.
message.addEventListener('paste', (event) => {
  const pasted = event.clipboardData?.getData('text/plain') ?? ''
  const kept = message.value.length - (message.selectionEnd - message.selectionStart)
  if (kept + pasted.length <= limit) return
  event.preventDefault()
  complain(`${tooLong} What you pasted would make it ${kept + pasted.length}.`)
})

function problemWith(text) {
  if (text.trim() === '') return 'Nothing to send: write a message first.'
  if (text.length > limit) return tooLong
  return publish(text) ? '' : 'Not sent: the connection is not open. Connect, then send again.'
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  complain('')
  const problem = problemWith(message.value)
  if (problem === '') message.value = ''
  else complain(problem)
  countCharacters()
  message.focus()
})
