// Subjects: who is measured, how each is started, and what it can do.

import { fileURLToPath } from 'node:url'
import type { Dialect, Work } from './cases.ts'

/** The project's folder; this file runs from `.build/bench/`. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export type Kind = Work['kind']

export interface Subject {
  /** As the table calls it. */
  readonly name: string
  readonly command: string
  /** Before the plan. */
  readonly args: readonly string[]
  readonly dialect: Dialect
  /** Where echoes are; broadcasts are at /broadcast. */
  readonly echoPath: string
  readonly broadcastPath: string
  readonly does: readonly Kind[]
  /** Whether it agrees on permessage-deflate. */
  readonly deflates: boolean
  /** Whether its process tells the size of V8's heap. */
  readonly hasHeap: boolean
}

const ALL: readonly Kind[] = ['echo', 'broadcast', 'opening', 'paced', 'idle', 'crowd']
const ALL_OF_A_PEER: readonly Kind[] = ['echo', 'broadcast', 'opening', 'paced', 'idle']

const server = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const peer = (file: string) => `${ROOT}bench/peers/${file}`

/** A module in Node. */
function onNode(name: string, module: string, differs: Partial<Subject> = {}): Subject {
  return {
    name,
    command: process.execPath,
    args: ['--expose-gc', server('./servers/main.js'), module],
    dialect: 'plain',
    echoPath: '/echo',
    broadcastPath: '/broadcast',
    does: ALL,
    deflates: true,
    hasHeap: true,
    ...differs,
  }
}

/** The measure of all others. */
export const WS = onNode('bare ws', server('./servers/ws.js'))
export const WS_AGAIN: Subject = { ...WS, name: 'bare ws again' }
export const WINDSOCK = onNode('windsock', server('./servers/windsock.js'))
export const UNJOURNALED = onNode('no journal', server('./servers/unjournaled.js'))
export const JOURNALED = onNode('journal in a file', server('./servers/journaled.js'))

/** windsock's other forms of a handler, and the same done by hand in a stream function: a form may add little to that. */
export const FORMS: readonly Form[] = [
  form('class', '/echo/class'),
  form('callback actor', '/echo/callback'),
  form('machine actor', '/echo/machine'),
]

export interface Form extends Subject {
  readonly byHand: Subject
}

function form(name: string, echoPath: string): Form {
  const subject: Subject = { ...WINDSOCK, name: `windsock, ${name}`, echoPath, does: ['echo'] }
  const byHand = { ...subject, name: `${subject.name} by hand`, echoPath: `${echoPath}/by-hand` }
  return { ...subject, byHand }
}

/** The ceiling of all that stands on Node's sockets. */
export const NET = onNode('net, no WebSocket', server('./servers/net.js'), {
  dialect: 'bytes',
  does: ['echo', 'paced', 'crowd'],
  deflates: false,
})

/** Those that need nothing but Node. */
export const NODE_PEERS: readonly Subject[] = [
  onNode('ws tuned by hand', server('./servers/tuned.js'), {
    does: ['echo', 'broadcast', 'paced', 'idle'],
    deflates: false,
  }),
  NET,
]

/** Its package has to be installed in `bench/peers/`. */
export const SOCKET_IO = onNode('Socket.IO', peer('socket-io.mjs'), {
  dialect: 'socket.io',
  echoPath: '/socket.io/?EIO=4&transport=websocket',
  broadcastPath: '/broadcast/?EIO=4&transport=websocket',
  does: ALL_OF_A_PEER,
  deflates: false,
})

/** @param bun - Bun's binary. */
export function onBun(bun: string): Subject {
  return onNode('Bun', peer('bun.mjs'), {
    command: bun,
    args: ['--expose-gc', server('./servers/main.js'), peer('bun.mjs')],
    does: ALL_OF_A_PEER,
    hasHeap: false,
  })
}

/** A server in Python; its arguments are the file. */
export function inPython(name: string, python: string, file: string): Subject {
  return onNode(name, file, {
    command: python,
    args: ['-B', peer(file)],
    does: ALL_OF_A_PEER,
    hasHeap: false,
  })
}

export function can({ does, deflates }: Subject, work: Work): boolean {
  return does.includes(work.kind) && (deflates || work.kind !== 'broadcast' || !work.deflate)
}

export function pathOf({ echoPath, broadcastPath }: Subject, work: Work): string {
  return work.kind === 'broadcast' ? broadcastPath : echoPath
}
