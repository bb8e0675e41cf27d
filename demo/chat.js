// The chat page: every line the server broadcasts, and a form to say something.

import { scrollingLog } from './log.js'
import { byTestId, setOff, statusPanel } from './status.js'
import { follow } from './topic.js'

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

const room = follow('chat', {
  way: way.value,
  onState(status) {
    panel.show(status)
    setOff(sendButton, status.state !== 'open')
    if (status.state === 'open') complain('')
  },
  onItem: show,
  onGap: () =>
    log.add('other', [['text', 'Some messages are gone: the room does not keep them any more.']]),
  onRefused: (why) => complain(`Not sent: ${why}.`),
})

panel.bind(room.connect, () => room.close(1000))
way.addEventListener('change', () => room.change(way.value))

function complain(text) {
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
  return room.publish(text) ? '' : 'Not sent: the connection is not open. Connect, then send again.'
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  complain(problemWith(message.value))
  if (error.textContent === '') message.value = ''
  countCharacters()
  message.focus()
})
