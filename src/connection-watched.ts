// Connection, watched: its states, its pongs and its end, for user code that asks for them.
//
// Each is made when it is first asked for: most connections are watched by nobody, and an idle one holds one field for
// all of it.

import type { Observable } from 'rxjs'
import type { ConnectionState, Pong } from './handlers/handler.ts'
import type { CloseRecord } from './protocol/close-record.ts'
import { Changes } from './streams/changes.ts'
import { type Deferred, deferred } from './streams/deferred.ts'
import type { Guard } from './streams/guarded.ts'
import { Multicast } from './streams/multicast.ts'

export class Watched {
  readonly #connection: Guard & { readonly state: ConnectionState }
  #states: Changes<ConnectionState> | undefined
  #pongs: Multicast<Pong> | undefined
  #closed: Deferred<CloseRecord> | undefined
  #isShut: boolean
  #record: CloseRecord | undefined

  /** @param isShut - whether pongs are over by now; with a `record`, so is all. */
  constructor(
    connection: Guard & { readonly state: ConnectionState },
    isShut: boolean,
    record: CloseRecord | undefined,
  ) {
    this.#connection = connection
    this.#isShut = isShut
    this.#record = record
  }

  get state$(): Observable<ConnectionState> {
    this.#states ??= new Changes(this.#connection, () => this.#connection.state)
    if (this.#record !== undefined) this.#states.complete()
    return this.#states.values$
  }

  get pongs$(): Observable<Pong> {
    this.#pongs ??= new Multicast(this.#connection)
    if (this.#isShut) this.#pongs.complete()
    return this.#pongs
  }

  get closed(): Promise<CloseRecord> {
    this.#closed ??= deferred()
    if (this.#record !== undefined) this.#closed.resolve(this.#record)
    return this.#closed.promise
  }

  pong(pong: Pong): void {
    this.#pongs?.next(pong)
  }

  /** The machine has taken a step, effects and all. */
  stepped(): void {
    this.#states?.tell()
    if (this.#record !== undefined) this.#states?.complete()
  }

  /** Pongs are over. */
  shut(): void {
    this.#isShut = true
    this.#pongs?.complete()
  }

  /** The end: `closed` has it, and no state follows the next step's. */
  finished(record: CloseRecord): void {
    this.#record = record
    this.#closed?.resolve(record)
  }
}
