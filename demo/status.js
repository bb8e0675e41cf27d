// The connection panel of a page: the windsock that fills and droops with the state, the state in
// words, the latest close code and reason, and the connect and close buttons.

const SVG = 'http://www.w3.org/2000/svg'
const STRIPES = 5
const STRIPE_LENGTH = 17

const CLOSE_LABELS = { connecting: 'Cancel', waiting: 'Stop' }

export const byTestId = (id) => document.querySelector(`[data-testid="${id}"]`)

export function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}

/** Switches a button off without taking the keyboard focus away from it. */
export function setOff(button, off) {
  button.setAttribute('aria-disabled', String(off))
}

export const isOff = (button) => button.getAttribute('aria-disabled') === 'true'

function drawSock(parent) {
  const picture = svg('svg', { viewBox: '0 0 116 116', 'aria-hidden': 'true', class: 'sock' })
  picture.append(svg('path', { class: 'sock-pole', d: 'M13 10V114' }))
  let joint = picture
  for (let i = 0; i < STRIPES; i++) {
    const [wide, narrow] = [13 - i * 1.5, 13 - (i + 1) * 1.5]
    const outline = `M0 ${-wide}L${STRIPE_LENGTH + 0.5} ${-narrow}V${narrow}L0 ${wide}Z`
    const stripe = svg('g', { class: i === 0 ? 'sock-mouth' : 'sock-joint' })
    stripe.append(svg('path', { class: i % 2 ? 'sock-pale' : 'sock-bright', d: outline }))
    joint.append(stripe)
    joint = stripe
  }
  parent.prepend(picture)
}

export function statusPanel() {
  const stateLine = byTestId('state')
  const announcer = document.querySelector('[data-announcer]')
  const closeCode = byTestId('close-code')
  const closeReason = byTestId('close-reason')
  const connectButton = byTestId('connect')
  const closeButton = byTestId('close')
  const closeLabel = closeButton.textContent
  drawSock(document.querySelector('[data-sock]'))

  return {
    show({ state, text, code, reason }) {
      // The countdown is for the eye; a screen reader hears each state once.
      if (stateLine.dataset.state !== state || announcer.textContent === '') {
        announcer.textContent = text
      }
      stateLine.dataset.state = state
      stateLine.textContent = text
      document.body.dataset.connection = state
      closeCode.textContent = code ?? ''
      closeReason.textContent = reason
      connectButton.textContent = state === 'waiting' ? 'Retry now' : 'Connect'
      closeButton.textContent = CLOSE_LABELS[state] ?? closeLabel
      setOff(connectButton, state !== 'closed' && state !== 'waiting')
      setOff(closeButton, state === 'closed' || state === 'closing')
      for (const step of document.querySelectorAll('[data-step]')) {
        if (step.dataset.step === state) step.setAttribute('aria-current', 'step')
        else step.removeAttribute('aria-current')
      }
    },

    bind(connect, close) {
      connectButton.addEventListener('click', () => isOff(connectButton) || connect())
      closeButton.addEventListener('click', () => isOff(closeButton) || close())
    },
  }
}
