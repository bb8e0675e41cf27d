// The echo page: type, send, and read what comes back.

import { closeProblem, open } from './connection.js'
import { frameText, scrollingLog } from './log.js'
import { byTestId, setOff, statusPanel } from './status.js'

const SHOWN_CHARACTERS = 2_000

const form = document.querySelector('#composer')
const message = byTestId('message')
const sendButton = byTestId('send')
const sendError = byTestId('error')
const codeInput = byTestId('close-code-input')
const reasonInput = byTestId('close-reason-input')
const closeError = byTestId('close-error')
const log = scrollingLog(byTestId('log'), document.querySelector('#jump'))
const panel = statusPanel()

function record(kind, text) {
  const rest = text.length - SHOWN_CHARACTERS
  const parts = [['text', text.slice(0, SHOWN_CHARACTERS)]]
  if (rest > 0) parts.push(['more', `… and ${rest} more characters`])
  log.add(kind, parts)
}

const connection = open('/socket/', {
  auto: false,
  onState(status) {
    panel.show(status)
    setOff(sendButton, status.state !== 'open')
    if (status.state === 'open') sendError.textContent = ''
  },
  onMessage: (data) => record('received', frameText(data)),
})

/** The code typed; `undefined` for none, NaN for anything but plain digits. */
function typedCode() {
  const text = codeInput.value.trim()
  if (text === '') return undefined
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

panel.bind(connection.connect, () => {
  const code = typedCode()
  const reason = reasonInput.value
  closeError.textContent = closeProblem(code, reason)
  if (closeError.textContent === '') connection.close(code, reason)
})

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (connection.send(message.value)) {
    record('sent', message.value)
    message.value = ''
    sendError.textContent = ''
  } else {
    sendError.textContent = 'Not sent: the connection is not open. Connect, then send again.'
  }
  message.focus()
})
