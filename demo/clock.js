// The clock page: the server's time, once a second, in digits and on a dial.

import { showStatus } from './client-status.js'
import { frameText } from './log.js'
import { byTestId, statusPanel, svg } from './status.js'
import { connectPlain } from './windsock-client.js'

const TIME = /^(\d{4}-\d\d-\d\d) ((\d\d):(\d\d):(\d\d))(\.\d+)?$/
const ID_KEY = 'windsock-clock-id'

const time = byTestId('time')
const day = document.querySelector('#day')
const digits = document.querySelector('#digits')
const fraction = document.querySelector('#fraction')
const dial = document.querySelector('#dial')
const ticks = byTestId('ticks')
const panel = statusPanel()

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(4))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The same Id for as long as this tab lives; a fresh one where the page may not store anything. */
function tabId() {
  try {
    const id = sessionStorage.getItem(ID_KEY) ?? randomId()
    sessionStorage.setItem(ID_KEY, id)
    return id
  } catch {
    return randomId()
  }
}

function drawDial() {
  dial.append(svg('circle', { class: 'dial-rim', r: 94 }))
  for (let hour = 0; hour < 12; hour++) {
    const length = hour % 3 === 0 ? 14 : 7
    const d = `M0 -84v${length}`
    dial.append(svg('path', { class: 'dial-mark', d, transform: `rotate(${hour * 30})` }))
  }
  const hand = (name, d) => dial.appendChild(svg('path', { class: `dial-hand dial-${name}`, d }))
  const hands = [
    hand('hours', 'M0 8V-44'),
    hand('minutes', 'M0 8V-66'),
    hand('seconds', 'M0 16V-76'),
  ]
  dial.append(svg('circle', { class: 'dial-pin', r: 4 }))
  return hands
}

const [hourHand, minuteHand, secondHand] = drawDial()
const turn = (hand, degrees) => hand.setAttribute('transform', `rotate(${degrees})`)

function show(text) {
  ticks.textContent = Number(ticks.textContent) + 1
  const found = TIME.exec(text)
  day.textContent = found ? found[1] : ''
  digits.textContent = found ? found[2] : text
  fraction.textContent = found?.[6] ?? ''
  if (!found) return
  const [hours, minutes, seconds] = found.slice(3, 6).map(Number)
  time.dateTime = `${found[1]}T${found[2]}Z`
  turn(secondHand, seconds * 6)
  turn(minuteHand, minutes * 6 + seconds / 10)
  turn(hourHand, (hours % 12) * 30 + minutes / 2)
}

const id = tabId()
byTestId('id').textContent = id

let client
let status

function start() {
  client = connectPlain(`/websocket?Id=${encodeURIComponent(id)}`, {
    maxRetryMs: 10_000,
    // It ticks each second: a server that does not for ten is gone.
    heartbeatMs: 5_000,
    heartbeatTimeoutMs: 5_000,
  })
  client.messages$.subscribe((data) => show(frameText(data)))
  status = showStatus(client, panel)
}

panel.bind(
  () =>
    client.state.state === 'waiting' || client.state.state === 'offline' ? client.retry() : start(),
  () => status.close(1000),
)
start()
