// The echo page: type, send, and read what comes back.

import { showStatus } from './client-status.js'
import { frameText, scrollingLog } from './log.js'
import { byTestId, setOff, statusPanel } from './status.js'
import { connectPlain } from './windsock-client.js'

const MAX_REASON_BYTES = 123
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

let client
let status

function start() {
  if (client?.state.state === 'waiting' || client?.state.state === 'offline') return client.retry()
  client = connectPlain('/socket/', { maxRetryMs: 10_000 })
  client.messages$.subscribe((data) => record('received', frameText(data)))
  status = showStatus(client, panel, (state) => {
    setOff(sendButton, state !== 'open')
    closeError.textContent = ''
    if (state === 'open') sendError.textContent = ''
  })
}

panel.show({ state: 'closed', text: 'Not connected yet.', code: undefined, reason: '' })
setOff(sendButton, true)

/** What is wrong with a close code and reason typed by a person; '' when they can be sent. */
function closeProblem(code, reason) {
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

for (const input of [codeInput, reasonInput]) {
  input.addEventListener('input', () => {
    closeError.textContent = ''
  })
}

/** The code typed; `undefined` for none, NaN for anything but plain digits. */
function typedCode() {
  const text = codeInput.value.trim()
  if (text === '') return undefined
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

panel.bind(start, () => {
  const code = typedCode()
  const reason = reasonInput.value
  closeError.textContent = closeProblem(code, reason)
  if (closeError.textContent === '') status.close(code, reason)
})

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (client?.send(message.value)) {
    record('sent', message.value)
    message.value = ''
    sendError.textContent = ''
  } else {
    sendError.textContent = 'Not sent: the connection is not open. Connect, then send again.'
  }
  message.focus()
})
