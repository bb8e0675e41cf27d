// Lifecycle: drives the machine of one client, and performs its effects on links.
//
// Shared by clients of topics and of plain messages, which differ in how a link is opened and in what it carries. A link
// that the machine has let go of is not heard any more, whatever it still says.

import { BehaviorSubject, type Observable } from 'rxjs'
import type { ClientInput } from '../machines/client-context.ts'
import { ClientDriver, type ClientSnapshot } from '../machines/client-driver.ts'
import type { ClientEffect, ClientTransport } from '../machines/client-effects.ts'
import { fitReason } from '../protocol/close-reason.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import { describe } from '../protocol/errors.ts'
import { hintInReason, type RetryHint } from '../protocol/retry-hint.ts'
import { parseAddress } from './address.ts'
import type { Environment } from './environment.ts'
import type { Link, LinkEvents } from './links/link.ts'
import type { ClientNumbers, ClientUrl } from './settings.ts'

type StateName =
  | 'idle'
  | 'connecting'
  | 'resuming'
  | 'open'
  | 'waiting'
  | 'offline'
  | 'closing'
  | 'closed'
  | 'failed'

/** Where a client is in its life. */
export type ClientState = {
  /**
   * `resuming`: the server has answered, and topics are told where they go on. `waiting`: it will connect again at `retryAtMs`.
   * `offline`: it will, when there is a network. `failed`: the server closed for good.
   */
  readonly state: StateName
  /** In use, or tried next. */
  readonly transport: ClientTransport
  /** Attempts since the client was open for `steadyMs`. */
  readonly attempt: number
  /** While waiting: when it connects again, ms since 1970. */
  readonly retryAtMs: number | null
  /** How the last link closed; 1006 when it was lost or could not be opened. */
  readonly lastClose: CloseFrame | null
} & (
  | { readonly state: 'waiting'; readonly retryAtMs: number }
  | { readonly state: Exclude<StateName, 'waiting'>; readonly retryAtMs: null }
)

export interface LifecycleOptions<Out, In> {
  readonly url: ClientUrl
  readonly environment: Environment
  readonly numbers: ClientNumbers
  readonly transports: readonly ClientTransport[]
  /** @throws whatever the environment does; the attempt has failed then. */
  open(transport: ClientTransport, address: URL, events: LinkEvents<In>): Link<Out>
  /** The link can be used; call `ready()` when what was missed is asked for. */
  resume(link: Link<Out>): void
  /** There is no link to be used. */
  pause(): void
  received(incoming: In): void
  /** Closed, or failed. */
  ended(state: ClientState): void
}

interface OpenLink<Out> {
  readonly number: number
  link: Link<Out> | undefined
}

export class Lifecycle<Out, In> {
  /** Replays the present one. */
  readonly state$: Observable<ClientState>
  /** Settles when the client is closed or has failed. Never rejects. */
  readonly closed: Promise<ClientState>
  readonly #options: LifecycleOptions<Out, In>
  readonly #driver: ClientDriver
  readonly #states: BehaviorSubject<ClientState>
  readonly #links = new Map<number, OpenLink<Out>>()
  readonly #unwatch: () => void
  #present: OpenLink<Out> | undefined
  #settle!: (state: ClientState) => void

  constructor(options: LifecycleOptions<Out, In>) {
    const { environment, numbers, transports } = options
    this.#options = options
    const input: ClientInput = {
      deadlines: numbers,
      backoff: { firstMs: numbers.firstRetryMs, capMs: numbers.maxRetryMs },
      transports,
      online: environment.isOnline(),
    }
    this.#driver = new ClientDriver({
      clock: environment.clock,
      input,
      perform: (effect) => this.#perform(effect),
      stepped: (snapshot) => this.#stepped(snapshot),
    })
    this.#states = new BehaviorSubject(this.#stateOf(this.#driver.snapshot))
    this.state$ = this.#states.asObservable()
    this.closed = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#unwatch = environment.watch((event) => {
      // Whatever happened, the link that is there may have died of it.
      this.#present?.link?.probe()
      if (event !== 'woke') this.#tellNetwork(event === 'online')
    })
    this.#driver.dispatch({ type: 'app.started' })
  }

  get state(): ClientState {
    return this.#states.value
  }

  /** The link that is open, if one is. */
  get link(): Link<Out> | undefined {
    return this.state.state === 'open' ? this.#present?.link : undefined
  }

  /** What was missed has been asked for, and the client is open. */
  ready(): void {
    if (this.#present !== undefined) {
      this.#driver.dispatch({ type: 'link.ready', link: this.#present.number })
    }
  }

  /** The present link does not do what it should. */
  fail(reason: string): void {
    const open = this.#present
    if (open !== undefined) this.#lost(open, { code: 1006, reason })
  }

  use(transports: readonly ClientTransport[]): void {
    this.#driver.dispatch({ type: 'app.chose', transports })
  }

  retry(): void {
    this.#driver.dispatch({ type: 'app.retried' })
  }

  close(frame: CloseFrame): Promise<ClientState> {
    this.#driver.dispatch({ type: 'app.closed', frame })
    return this.closed
  }

  #tellNetwork(online: boolean): void {
    const nowMs = this.#options.environment.clock.nowMs()
    this.#driver.dispatch({ type: 'network.changed', online, nowMs })
  }

  #perform(effect: ClientEffect): void {
    switch (effect.type) {
      case 'dial':
        void this.#dial(effect.link, effect.transport)
        return
      case 'resume': {
        this.#present = this.#links.get(effect.link)
        const link = this.#present?.link
        if (link !== undefined) this.#options.resume(link)
        return
      }
      case 'probe':
        return this.#links.get(effect.link)?.link?.probe()
      case 'keep':
        return this.#keep(effect.link)
      case 'abandon': {
        const open = this.#links.get(effect.link)
        if (open !== undefined) this.#lost(open, { code: 1006, reason: effect.reason })
        return
      }
      case 'closeLink':
        this.#options.pause()
        this.#present?.link?.close(effect.frame)
        return
      case 'finish':
        this.#unwatch()
        this.#options.ended(this.state)
        this.#settle(this.state)
        this.#states.complete()
    }
  }

  async #dial(number: number, transport: ClientTransport): Promise<void> {
    const open: OpenLink<Out> = { number, link: undefined }
    this.#links.set(number, open)
    const isKept = () => this.#links.get(number) === open
    try {
      const { url, environment } = this.#options
      const target = typeof url === 'function' ? await url() : url
      if (!isKept()) return
      open.link = this.#options.open(transport, parseAddress(target, environment.baseUrl), {
        writable: () => isKept() && this.#driver.dispatch({ type: 'link.writable', link: number }),
        opened: () => isKept() && this.#driver.dispatch({ type: 'link.opened', link: number }),
        // It may come with each piece of all that is read: once open, the machine has no use for it.
        heard: () =>
          isKept() && !this.link && this.#driver.dispatch({ type: 'link.heard', link: number }),
        received: (incoming) => this.#present === open && this.#received(open, incoming),
        closed: (frame, hint) => this.#lost(open, frame, hint),
      })
    } catch (thrown) {
      this.#lost(open, { code: 1006, reason: fitReason(describe(thrown)) })
    }
  }

  #received(open: OpenLink<Out>, incoming: In): void {
    try {
      this.#options.received(incoming)
    } catch (thrown) {
      this.#lost(open, { code: 1002, reason: fitReason(describe(thrown)) })
    }
  }

  #lost(open: OpenLink<Out>, frame: CloseFrame, hint?: RetryHint): void {
    if (this.#links.get(open.number) !== open) return
    this.#drop(open)
    const { clock, random } = this.#options.environment
    this.#driver.dispatch({
      type: 'link.closed',
      link: open.number,
      frame,
      hint: hint ?? hintInReason(frame.reason),
      chance: random.next(),
      nowMs: clock.nowMs(),
    })
  }

  #keep(number: number): void {
    for (const open of [...this.#links.values()]) if (open.number !== number) this.#drop(open)
  }

  #drop(open: OpenLink<Out>): void {
    this.#links.delete(open.number)
    if (this.#present === open) {
      this.#present = undefined
      this.#options.pause()
    }
    open.link?.destroy()
  }

  #stepped(snapshot: ClientSnapshot): void {
    const next = this.#stateOf(snapshot)
    if (JSON.stringify(next) !== JSON.stringify(this.state)) this.#states.next(next)
  }

  #stateOf({ value, context }: ClientSnapshot): ClientState {
    const { clock } = this.#options.environment
    const state =
      typeof value === 'string'
        ? value
        : 'open' in value
          ? 'open'
          : value.connecting === 'resuming'
            ? 'resuming'
            : 'connecting'
    return {
      state,
      transport: context.transports[context.index] ?? 'websocket',
      attempt: context.attempt,
      retryAtMs:
        state === 'waiting' ? Math.round(clock.wallMs() + context.dueMs - clock.nowMs()) : null,
      lastClose: context.lastClose,
    } as ClientState
  }
}
