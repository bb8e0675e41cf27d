// Route: a path, a handler of one of the three forms, and the settings that hold for both.
//
// Routes are values in an array. A route takes the server's settings and overrides what it names; everything
// is checked when it is made, and a mistake is told then, with the field, the value and what is allowed.

import { type HandlerForm, handlerFactory } from './handlers/form.ts'
import type { HandlerFactory } from './handlers/handler.ts'
import { type Pattern, pattern } from './http/pattern.ts'
import { DEFAULT_SETTINGS, type RouteSettings, resolveSettings } from './route-settings.ts'

/** What `route()` makes: a path, what handles its connections, and what was set for them. */
export interface Route {
  readonly kind: 'route'
  readonly pattern: Pattern
  readonly factory: HandlerFactory
  readonly settings: RouteSettings
}

/**
 * A route: connections to paths that match are handled by `form`.
 *
 * @param path - a path with parameters (`/echo/:name`) and wildcards (`/files/*rest`, one segment or more, which arrive in
 *   `params.rest` with the slashes between them), or a RegExp that matches the whole path.
 * @param form - a stream function, a class that extends `WebSocketHandler`, or XState actor logic.
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE`, or SettingError.
 */
export function route(
  path: string | RegExp,
  form: HandlerForm,
  settings: RouteSettings = {},
): Route {
  resolveSettings(DEFAULT_SETTINGS, settings, 'route')
  return { kind: 'route', pattern: pattern(path), factory: handlerFactory(form), settings }
}
