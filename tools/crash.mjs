// Kills the demo under load, again and again, and looks at what is left.
//
//   npm run test:crash                    200 rounds, killed at a moment that chance chooses
//   npm run test:crash -- --rounds 20
//   npm run test:crash -- --at-calls      killed at a chosen write or sync of the journal (needs strace)
//
// After each kill the demo is started again on the same file, and a client reads everything. Every message that was
// acknowledged has to be there, at its offset, whole; offsets have no hole, and none was given twice; the epoch is the
// same. What was not acknowledged may be there or not, but not in part.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { WebSocket } from 'ws'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    'at-calls': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds is ${values.rounds}: it must be a whole number, at least 1`)
  process.exit(2)
}

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const CLIENTS = 8
/** A round in which nothing was killed by then is ended by hand. */
const ROUND_MS = 5_000

let state = Number(values.seed) >>> 0
/** mulberry32: the same seed, the same rounds. */
function chance() {
  state = (state + 0x6d2b79f5) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const folder = mkdtempSync(join(tmpdir(), 'windsock-crash-'))
const journal = join(folder, 'demo.db')
const living = new Set()
process.on('exit', () => {
  for (const child of living) kill(child)
  rmSync(folder, { recursive: true, force: true })
})

/** With what it was wrapped in: they are a group of their own. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** Every offset that anyone was told of, and what stands there. */
const known = new Map()
let epoch
let acknowledged = 0

async function start(wrapper = []) {
  const [command, ...given] = [
    ...wrapper,
    process.execPath,
    COMMAND,
    'demo',
    '--port',
    '0',
    '--journal',
    journal,
  ]
  const child = spawn(command, given, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  living.add(child)
  child.exited = once(child, 'exit').then(() => living.delete(child))
  let said = ''
  child.stdout.setEncoding('utf8')
  const url = await new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      const found = /^windsock demo on http:(\S+)$/m.exec(said)
      if (found !== null) resolve(`ws:${found[1]}/topics`)
    })
    // Killed before it listened.
    void child.exited.then(() => resolve(undefined))
  })
  return { child, url }
}

function connect(url, onFrame) {
  const socket = new WebSocket(url, 'windsock.v1.json')
  socket.on('error', () => {})
  socket.on('message', (data) => onFrame(JSON.parse(Buffer.from(data).toString()), socket))
  return socket
}

/** Publishes as fast as it may, and notes what is acknowledged, until the server is gone. */
function load(url, name, onAck) {
  const sent = new Map()
  let id = 0
  const more = (socket) => {
    const text = `${name}-${++id} ${'x'.repeat(Math.floor(chance() * 500))}`
    sent.set(id, text)
    socket.send(
      JSON.stringify({ type: 'publish', id, topic: 'chat', data: text, key: `${name}-${id}` }),
    )
  }
  connect(url, (frame, socket) => {
    if (frame.type === 'welcome') for (let n = 0; n < 10; n++) more(socket)
    if (frame.type === 'error')
      setTimeout(() => socket.readyState === 1 && more(socket), frame.retryAfterMs ?? 100)
    if (frame.type !== 'ack') return
    note(frame.offset, `[127.0.0.1] says: ${sent.get(frame.id)}`)
    onAck()
    if (socket.readyState === 1) more(socket)
  })
}

function note(offset, text) {
  const before = known.get(offset)
  if (before !== undefined && before !== text)
    fail(`offset ${offset} was "${before}", and now is "${text}"`)
  known.set(offset, text)
}

/** Reads everything that is kept. */
function readAll(url) {
  return new Promise((resolve) => {
    const items = []
    let head
    let start
    connect(url, (frame, socket) => {
      if (frame.type === 'welcome') {
        socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic: 'chat', from: 'start' }))
      }
      if (frame.type === 'subscribed') ({ head, start, epoch: items.epoch } = frame)
      if (frame.type === 'messages') items.push(...frame.items)
      if (head === undefined || (items.at(-1)?.offset ?? start) < head) return
      socket.close()
      resolve({ items, start, epoch: items.epoch })
    })
  })
}

function fail(why) {
  console.error(
    `\n✗ ${why}\n  again: npm run test:crash -- --seed ${values.seed}${values['at-calls'] ? ' --at-calls' : ''}`,
  )
  process.exit(1)
}

async function check(round) {
  const { child, url } = await start()
  const { items, start: floor, epoch: now } = await readAll(url)
  epoch ??= now
  if (now !== epoch) fail(`round ${round}: the epoch was ${epoch}, and is ${now}`)
  items.forEach(({ offset }, index) => {
    if (offset !== floor + index + 1)
      fail(`round ${round}: after offset ${floor + index} comes ${offset}`)
  })
  const there = new Map(items.map(({ offset, data }) => [offset, data]))
  for (const [offset, text] of known) {
    if (offset <= floor) known.delete(offset)
    else if (there.get(offset) !== text) {
      fail(
        `round ${round}: "${text}" was acknowledged at ${offset}, where there is ${JSON.stringify(there.get(offset))}`,
      )
    }
  }
  for (const { offset, data } of items) note(offset, data)
  kill(child)
  await child.exited
}

const say = process.stdout.isTTY ? (text) => process.stdout.write(`\r${text}`) : () => {}
console.log(`${rounds} rounds, seed ${values.seed}`)
for (let round = 1; round <= rounds; round++) {
  const calls = 1 + Math.floor(chance() * 300)
  const wrapper = values['at-calls']
    ? [
        'strace',
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        'trace=pwrite64,fsync,fdatasync',
        '-e',
        `inject=pwrite64,fsync,fdatasync:signal=SIGKILL:when=${calls}`,
      ]
    : []
  const { child, url } = await start(wrapper)
  if (url !== undefined) {
    const until = values['at-calls'] ? Number.POSITIVE_INFINITY : 1 + Math.floor(chance() * 400)
    let seen = 0
    const killing = setTimeout(() => kill(child), ROUND_MS)
    for (let client = 0; client < CLIENTS; client++) {
      load(url, `${round}-${client}`, () => {
        acknowledged++
        if (++seen === until) kill(child)
      })
    }
    await child.exited
    clearTimeout(killing)
  }
  await check(round)
  say(`${round}/${rounds}, ${acknowledged} acknowledged`)
}
console.log(
  `\n✓ ${rounds} kills, ${acknowledged} messages acknowledged: none lost, none torn, no offset given twice`,
)
process.exit(0)
