// Behaviour: makes a real handler, of the form that a script asks for, that writes down what happens to it.
//
// The log is the test's own: what user code saw and did, in order. Laws are judged from it and from the peers'
// wire logs, never from the runtime's idea of itself.

import { Observable } from 'rxjs'
import {
  type Clock,
  type Connection,
  type HandlerContext,
  type Message,
  WebSocketError,
  WebSocketHandler,
} from 'windsock'
import { fromTransition } from 'xstate'
import type { HandlerForm } from '../../../src/handlers/form.ts'
import type { CloseRecord } from '../../../src/protocol/close-record.ts'
import type { Act, Behaviour, Hook, Source } from './script.ts'

/** One line of a connection's log. */
export type Entry = { readonly atMs: number } & (
  | { readonly what: 'open' | 'opened' | 'messagesEnd' | 'statesEnd' | 'fails' | 'ping' }
  | { readonly what: 'message'; readonly message: Message }
  | { readonly what: 'pong'; readonly data: string; readonly roundTripMs: number | undefined }
  | { readonly what: 'state'; readonly state: string }
  /** Each call of `close()`: `threw` is the code of its error; the states are those around the call. */
  | {
      readonly what: 'closeCall'
      readonly code: number
      readonly reason: string
      readonly threw: string | undefined
      readonly before: string
      readonly after: string
    }
  | { readonly what: 'send'; readonly message: Message; readonly state: string; refused: boolean }
  /** The close hook, the promise `closed`, and the server's own `closed$`. */
  | { readonly what: 'close' | 'closed' | 'record'; readonly record: CloseRecord }
)
export type What = Entry['what']

type EntryOf<W extends What, E = Entry> = E extends Entry
  ? W extends E['what']
    ? E & { readonly what: W }
    : never
  : never
type Omitted<T> = T extends unknown ? Omit<T, 'atMs'> : never

/** The log of one connection, and what its user code still waits for. */
export class Diary {
  readonly entries: Entry[] = []
  connection: Connection | undefined
  readonly clock: Clock
  #sent = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  note(entry: Omitted<Entry>): void {
    this.entries.push({ atMs: this.clock.nowMs(), ...entry } as Entry)
  }

  of<W extends What>(what: W): EntryOf<W>[] {
    return this.entries.filter((entry) => entry.what === what) as EntryOf<W>[]
  }

  /** A text that nobody sent before on this connection, at least `size` long. */
  nextText(size: number): string {
    return `s${++this.#sent}`.padEnd(size, '.')
  }
}

/** The handler form of `behaviour`; `diaryOf` finds the log of a connection. */
export function handlerForm(
  behaviour: Behaviour,
  diaryOf: (connection: Connection) => Diary,
): HandlerForm {
  switch (behaviour.form) {
    case 'stream':
      return streamForm(behaviour, diaryOf)
    case 'class':
      return classForm(behaviour, diaryOf)
    case 'actor':
      return actorForm(behaviour, diaryOf)
  }
}

function streamForm({ open, message, source }: Behaviour, diaryOf: (c: Connection) => Diary) {
  return (connection: Connection, context: HandlerContext) => {
    const diary = begin(connection, diaryOf)
    connection.messages$.subscribe({
      next: (data) => {
        diary.note({ what: 'message', message: data })
        void run(message, diary)?.catch(context.fail)
      },
      complete: () => diary.note({ what: 'messagesEnd' }),
    })
    connection.pongs$.subscribe(({ data, roundTripMs }) => {
      diary.note({ what: 'pong', data: textOf(data), roundTripMs })
    })
    const pending = run(open, diary)
    if (pending !== undefined) {
      return pending.then(() => {
        diary.note({ what: 'opened' })
        return sourceOf(source, diary)
      })
    }
    diary.note({ what: 'opened' })
    return sourceOf(source, diary)
  }
}

function classForm({ open, message, close }: Behaviour, diaryOf: (c: Connection) => Diary) {
  return class Scripted extends WebSocketHandler {
    #diary: Diary | undefined

    override open(): void | Promise<void> {
      const diary = begin(this.connection, diaryOf)
      this.#diary = diary
      const pending = run(open, diary)
      if (pending !== undefined) return pending.then(() => diary.note({ what: 'opened' }))
      diary.note({ what: 'opened' })
    }

    override onMessage(data: Message): unknown {
      this.#diary?.note({ what: 'message', message: data })
      return this.#diary && run(message, this.#diary)
    }

    override onPing(): void {
      this.#diary?.note({ what: 'ping' })
    }

    override onPong(data: Uint8Array, { roundTripMs }: { roundTripMs: number | undefined }): void {
      this.#diary?.note({ what: 'pong', data: textOf(data), roundTripMs })
    }

    override onClose(record: CloseRecord): unknown {
      this.#diary?.note({ what: 'close', record })
      return this.#diary && run(close, this.#diary)
    }
  }
}

function actorForm({ open, message }: Behaviour, diaryOf: (c: Connection) => Diary): HandlerForm {
  return fromTransition(
    (diary: Diary, event: { type: 'message' | 'xstate.stop'; data: Message }) => {
      // XState tells logic of its being stopped, too.
      if (event.type !== 'message') return diary
      diary.note({ what: 'message', message: event.data })
      void run(message, diary)?.catch(() => {})
      return diary
    },
    ({ input }: { input: { connection: Connection } }) => {
      const diary = begin(input.connection, diaryOf)
      void run(open, diary)?.catch(() => {})
      diary.note({ what: 'opened' })
      return diary
    },
  ) as HandlerForm
}

function begin(connection: Connection, diaryOf: (c: Connection) => Diary): Diary {
  const diary = diaryOf(connection)
  diary.connection = connection
  diary.note({ what: 'open' })
  connection.state$.subscribe({
    next: (state) => diary.note({ what: 'state', state }),
    complete: () => diary.note({ what: 'statesEnd' }),
  })
  void connection.closed.then((record) => diary.note({ what: 'closed', record }))
  return diary
}

/** Runs a hook; a promise unless it is synchronous. */
function run(hook: Hook, diary: Diary): Promise<void> | undefined {
  const { acts, takes, later, fails } = hook
  for (const act of acts) perform(act, diary)
  const end = () => {
    for (const act of later) perform(act, diary)
    if (!fails) return
    diary.note({ what: 'fails' })
    throw new Error('as the script says')
  }
  if (takes !== 'now') return pause(takes, diary).then(end)
  end()
  return undefined
}

function pause(takes: number | 'forever', { clock }: Diary): Promise<void> {
  if (takes === 0) return Promise.resolve()
  return new Promise((resolve) => {
    if (takes !== 'forever') clock.setTimeout(resolve, takes)
  })
}

function perform(act: Act, diary: Diary): void {
  const connection = diary.connection as Connection
  switch (act.act) {
    case 'send':
      return send(diary.nextText(act.size), diary)
    case 'sendBytes':
      return send(new TextEncoder().encode(diary.nextText(act.size)), diary)
    case 'sendBad':
      diary.note({ what: 'fails' })
      return void connection.send(Symbol('unsendable') as never)
    case 'ping':
      return connection.ping('from the app')
    case 'close':
      return close(act, diary)
  }
}

function send(message: Message, diary: Diary): void {
  const { state } = diary.connection as Connection
  const entry = { what: 'send', message, state, refused: false } as const
  diary.note(entry)
  const noted = diary.entries.at(-1) as { refused: boolean }
  // Refused at once, as opposed to accepted and lost later, is what rejects before the next microtask.
  let atOnce = true
  ;(diary.connection as Connection).send(message).catch(() => {
    if (atOnce) noted.refused = true
  })
  queueMicrotask(() => {
    atOnce = false
  })
}

function close(act: Act & { act: 'close' }, diary: Diary): void {
  const connection = diary.connection as Connection
  const { code, reason } = act
  const before = connection.state
  let thrown: unknown
  try {
    connection.close(code, reason)
  } catch (error) {
    thrown = error
  }
  const threw = thrown instanceof WebSocketError ? thrown.code : thrown && 'not one of ours'
  const after = connection.state
  diary.note({ what: 'closeCall', code, reason, threw: threw as string | undefined, before, after })
  if (act.loose && thrown instanceof Error) throw thrown
}

function sourceOf(source: Source, diary: Diary): Observable<string> | AsyncIterable<string> | void {
  const { kind, items, everyMs, end } = source
  const next = () => {
    const message = diary.nextText(3)
    diary.note({ what: 'send', message, state: diary.connection?.state ?? '', refused: false })
    return message
  }
  if (kind === 'observable') {
    return new Observable<string>((subscriber) => {
      let left = items
      let timer: unknown
      const step = () => {
        if (left-- > 0) {
          subscriber.next(next())
          if (!subscriber.closed) timer = diary.clock.setTimeout(step, everyMs)
        } else if (end === 'completes') subscriber.complete()
        else if (end === 'errors') subscriber.error(new Error('as the script says'))
      }
      step()
      return () => diary.clock.clearTimeout(timer)
    })
  }
  if (kind === 'iterable') return iterate(source, diary, next)
}

async function* iterate({ items, everyMs, end }: Source, diary: Diary, next: () => string) {
  for (let left = items; left > 0; left--) {
    yield next()
    await pause(everyMs, diary)
  }
  if (end === 'stays') await pause('forever', diary)
  if (end === 'errors') throw new Error('as the script says')
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data)
}
