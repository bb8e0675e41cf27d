// Templates: text files of a folder with values in them, by the `eta` library.
//
// What a template shows is escaped for HTML unless it says otherwise (`<%~ … %>`). A template stays within its folder.
// Names have their ending (`index.html`), or get `.eta`. Knows no handlers.
// Source: tornado.template.

import { isAbsolute, resolve } from 'node:path'
import { Eta, EtaFileResolutionError } from 'eta'
import { SettingError, WebSocketError } from '../protocol/errors.ts'

/** Renders a template of the folder with what it calls `it`. */
export type Renderer = (template: string, namespace: object) => string

/** @param cache - keep what was compiled; without it each use reads the file anew. */
export function renderer(folder: string | undefined, cache: boolean): Renderer {
  if (folder === undefined) {
    return () => {
      throw new SettingError('templatePath is not set: render() needs the folder of the templates')
    }
  }
  const eta = new Eta({ views: folder, autoEscape: true, cache, cacheFilepaths: cache })
  return (template, namespace) => {
    try {
      return eta.render(template, namespace)
    } catch (cause) {
      if (cause instanceof WebSocketError) throw cause
      const { message } = cause as Error
      // A folder that is relative begins where the program was started, and Eta does not say where that was.
      const isUnclear = cause instanceof EtaFileResolutionError && !isAbsolute(folder)
      const looked = isUnclear ? `; it is looked for in ${resolve(folder)}` : ''
      throw new WebSocketError(
        'ERR_WINDSOCK_HANDLER',
        `the template ${JSON.stringify(template)} cannot be rendered: ${message}${looked}`,
        { fault: 'bug', cause },
      )
    }
  }
}
