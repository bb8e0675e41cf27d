// Application: rules and settings become a server, in Tornado's words and with Tornado's defaults.
//
// The first rule that matches a path answers it, be it a WebSocketHandler or a plain RequestHandler; static files come
// before all rules. Pings and compression are off unless asked for. What no rule matches gets 404.
// Knows no sockets and no machines: `serve()` listens, `plain-request.ts` answers.
// Source: tornado.web.Application.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorListener, printError, reportTo } from '../error-listener.ts'
import type { FactoryContext, Handler, HandlerFactory } from '../handlers/handler.ts'
import type { Captured } from '../http/pattern.ts'
import { answerWithLine } from '../http/plain-answer.ts'
import { type Captures, HandshakeRequest, type IncomingUpgrade } from '../http/request.ts'
import type { Answerer, PlainRequests } from '../http/requests.ts'
import { StaticFiles } from '../http/static-files.ts'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { pathOf } from '../protocol/request-target.ts'
import type { Route } from '../route.ts'
import { DEFAULT_SETTINGS, resolveSettings } from '../route-settings.ts'
import { type Server, serve } from '../server.ts'
import { refusalOf } from './class-handler.ts'
import { HTTPError } from './errors.ts'
import { execute, makeHandler, type RequestHandlerClass } from './execute.ts'
import { checkHookNames } from './hook-names.ts'
import type { HandlerHost } from './host.ts'
import { HttpRequest } from './http-request.ts'
import { answerPlain, argumentsOf } from './plain-request.ts'
import { RequestHandler } from './request-handler.ts'
import {
  checkSettings,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_REQUEST_TIMEOUT_S,
  MAX_TIMEOUT_S,
  routeSettings,
  type SharedSettings,
} from './settings.ts'
import { type Renderer, renderer } from './templates.ts'
import { URLSpec } from './url-spec.ts'
import { handlerFor, WebSocketHandler } from './websocket-handler.ts'

/** A rule: an URLSpec, or what `new URLSpec` takes. */
export type Rule =
  | URLSpec
  | readonly [
      regex: string | RegExp,
      handlerClass: RequestHandlerClass,
      kwargs?: object | undefined,
      name?: string | undefined,
    ]

/** What an `Application` may be told. */
export interface ApplicationSettings extends SharedSettings {
  /** Told of each handler whose request is answered: a response, or 101. (Tornado: `log_function`) */
  readonly logFunction?: ((handler: RequestHandler) => unknown) | undefined
}

/** Answers 404 with the page that the class's `writeError` makes. */
class NotFound extends RequestHandler {
  override prepare(): void {
    throw new HTTPError(404)
  }
}

const NOTHING: Captures = { params: {}, args: [] }

/**
 * Handlers by their paths, and the settings that they share (Tornado: `Application`).
 *
 * `listen(port)` begins to serve them.
 */
export class Application implements HandlerHost {
  /** As they were given. */
  readonly settings: ApplicationSettings
  readonly #rules: readonly URLSpec[]
  readonly #renderTemplate: Renderer
  readonly #static: StaticFiles | undefined
  readonly #servers = new Set<Server>()

  /**
   * @param handlers - the first that matches answers.
   * @throws SettingError, or WebSocketError `ERR_WINDSOCK_ROUTE`, for a mistake in either.
   */
  constructor(handlers: readonly Rule[] = [], settings: ApplicationSettings = {}) {
    this.settings = checkSettings(settings)
    const { debug = false, staticPath, staticUrlPrefix = '/static/', templatePath } = this.settings
    if (!Array.isArray(handlers)) throw new SettingError('handlers must be an array of rules')
    const rules = handlers.map((rule: Rule, index) => {
      if (rule instanceof URLSpec) return rule
      if (Array.isArray(rule)) return new URLSpec(...(rule as Exclude<Rule, URLSpec>))
      throw new SettingError(
        `handlers[${index}] is ${show(rule)}: each rule is an array of its own, as in [['/', Handler]]`,
      )
    })
    const { defaultHandlerClass } = this.settings
    if (defaultHandlerClass && !(defaultHandlerClass.prototype instanceof RequestHandler)) {
      throw new SettingError('defaultHandlerClass must be a class that extends RequestHandler')
    }
    this.#rules = defaultHandlerClass
      ? [...rules, new URLSpec(/.*/, defaultHandlerClass as RequestHandlerClass)]
      : rules
    for (const { handlerClass } of this.#rules) {
      checkHookNames(handlerClass, isWebSocket(handlerClass) ? WebSocketHandler : RequestHandler)
    }
    this.#renderTemplate = renderer(templatePath, !debug)
    this.#static = staticPath ? new StaticFiles(staticPath, staticUrlPrefix, !debug) : undefined
    // A mistake in what the routes will be told is told now.
    for (const entry of this.routes) {
      if (entry.kind === 'route') resolveSettings(DEFAULT_SETTINGS, entry.settings, 'route')
    }
  }

  /** What `serve()` takes: the WebSockets' routes, and one entry that answers plain requests. */
  get routes(): readonly (Route | PlainRequests)[] {
    // Of two rules with one pattern Tornado takes the first; the other may be there for its name.
    const known = new Set<string>()
    const reached = this.#rules.filter(({ pattern }) => known.size < known.add(pattern.text).size)
    const routes = reached.map((spec): Route => {
      return {
        kind: 'route',
        pattern: spec.pattern,
        factory: this.#factoryOf(spec),
        settings: routeSettings(this.settings),
      }
    })
    // The server's `onError` is told where this application has none.
    const begin: PlainRequests['begin'] = ({ onError: inherited = printError }) => {
      const report = reportTo(this.settings.onError ?? inherited)
      const answer: Answerer['answer'] = (...given) => this.#answer(report, ...given)
      return { answer, bodyTimeoutMs: this.#timeoutMs }
    }
    return [...routes, { kind: 'requests', begin }]
  }

  /**
   * Starts a server; several are allowed (Tornado: `listen`, which also listens on every interface by default).
   *
   * @param port - 0 picks a free one, which the server tells. @param address - default `127.0.0.1`; `0.0.0.0` or `::` for
   *   every interface.
   * @throws WebSocketError `ERR_WINDSOCK_LISTEN` when the address is in use or not ours.
   */
  async listen(port: number, address = '127.0.0.1'): Promise<Server> {
    const { onError } = this.settings
    const server = await serve({
      host: address,
      port,
      routes: this.routes,
      ...(onError !== undefined && { onError }),
    })
    this.#servers.add(server)
    return server
  }

  /** Closes every connection with 1001, and frees every port. */
  async stop(): Promise<void> {
    const servers = [...this.#servers]
    this.#servers.clear()
    await Promise.all(servers.map((server) => server.close()))
  }

  // ── what handlers ask ──────────────────────────────────────────────────────────────────────────

  /** The path of the rule of that name (Tornado: `reverse_url`). @throws SettingError for a name that no rule has. */
  reverseUrl(name: string, ...args: readonly unknown[]): string {
    const spec = this.#rules.find((candidate) => candidate.name === name)
    if (spec === undefined) throw new SettingError(`no rule has the name ${show(name)}`)
    return spec.reverse(...args)
  }

  /**
   * The address of a file below `staticPath`, with a mark of its content behind it (Tornado: `static_url`).
   *
   * @throws SettingError where `staticPath` is not set.
   */
  staticUrl(path: string): string {
    if (this.#static === undefined) throw new SettingError('staticPath is not set: no static files')
    return this.#static.url(path)
  }

  /** The text of a template below `templatePath`; `namespace` has what stands in it by name. */
  renderTemplate(name: string, namespace: object): string {
    return this.#renderTemplate(name, namespace)
  }

  answered(handler: object): unknown {
    return this.settings.logFunction?.(handler as RequestHandler)
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────

  #factoryOf({ handlerClass, kwargs }: URLSpec): HandlerFactory {
    return isWebSocket(handlerClass)
      ? (request, context) => handlerFor(handlerClass, kwargs, this, request, context)
      : (request, context) =>
          this.#plainHandler(handlerClass, kwargs, new HttpRequest(request), context)
  }

  /** What answers an upgrade request on the path of a plain handler: its `get`, as in Tornado. */
  #plainHandler(
    Class: RequestHandlerClass,
    kwargs: object,
    request: HttpRequest,
    { clock, report }: FactoryContext,
  ): Handler {
    const handler = makeHandler(Class, { request, host: this, clock, report }, kwargs)
    return {
      prepare: async () => {
        await execute(handler, argumentsOf(request))
        throw refusalOf(handler)
      },
    }
  }

  get #timeoutMs(): number {
    const { requestTimeout = DEFAULT_REQUEST_TIMEOUT_S } = this.settings
    return (requestTimeout || MAX_TIMEOUT_S) * 1000
  }

  #answer(
    report: ErrorListener,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    clock: Clock,
    upgrade: IncomingUpgrade,
  ): boolean {
    const path = pathOf(incoming.url ?? '/')
    if (this.#static?.covers(path)) {
      void this.#static.answer(path, incoming, outgoing, clock)
      return true
    }
    const { handlerClass, kwargs, captured } = this.#match(path)
    // The runtime says what a plain request on a WebSocket's path lacks.
    if (isWebSocket(handlerClass)) return false
    if (captured === 'malformed') {
      answerWithLine(outgoing, clock, 400, 'the path does not decode to UTF-8')
      return true
    }
    const { maxBodySize: maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = this.settings
    const timeoutMs = this.#timeoutMs
    const around = { host: this, clock, maxBodyBytes, report, timeoutMs, upgrade }
    const target = { handlerClass, kwargs, captured, ...around }
    answerPlain(incoming, outgoing, target).catch((thrown: unknown) => {
      report(WebSocketError.from(thrown), undefined, new HandshakeRequest(upgrade, captured))
      if (outgoing.headersSent) outgoing.destroy()
      else answerWithLine(outgoing, clock, 500, 'internal error')
    })
    return true
  }

  #match(path: string): Pick<URLSpec, 'handlerClass' | 'kwargs'> & { captured: Captured } {
    for (const { pattern, handlerClass, kwargs } of this.#rules) {
      const captured = pattern.match(path)
      if (captured !== undefined) return { handlerClass, kwargs, captured }
    }
    return { handlerClass: NotFound, kwargs: {}, captured: NOTHING }
  }
}

function isWebSocket(Class: RequestHandlerClass): Class is RequestHandlerClass<WebSocketHandler> {
  return Class.prototype instanceof WebSocketHandler
}
