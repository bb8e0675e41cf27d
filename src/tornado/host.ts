// Host: what a handler may ask of whatever runs it.
//
// An Application gives its settings, names, templates; a class used in `serve()` alone has none of them, and is told
// so when it asks. Knows no handlers.

import { SettingError } from '../protocol/errors.ts'
import type { SharedSettings } from './settings.ts'

export interface HandlerHost {
  readonly settings: SharedSettings
  reverseUrl(name: string, ...args: readonly unknown[]): string
  staticUrl(path: string): string
  renderTemplate(name: string, namespace: object): string
  /** Told when a request is answered; what it returns may be a promise. */
  answered(handler: object): unknown
}

/** The host of a class that `serve()` or `route()` was given. */
export const NO_APPLICATION: HandlerHost = {
  settings: {},
  reverseUrl: () => missing('reverseUrl()'),
  staticUrl: () => missing('staticUrl()'),
  renderTemplate: () => missing('render()'),
  answered: () => {},
}

function missing(what: string): never {
  throw new SettingError(`${what} needs an Application: make one of this handler`)
}
