// Static files: the files of one folder, by the path behind a prefix.
//
// Nothing outside of the folder is read, however the path is written; of links inside it the owner is in charge. Files
// are streamed, may be cached, and are asked for anew with If-Modified-Since, unless their URL carries their version.
// Knows no handlers. Source: tornado.web.StaticFileHandler.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../protocol/ports.ts'
import { CONTENT_TYPES } from './page.ts'
import { answerWithLine, endBehind } from './plain-answer.ts'

const TEN_YEARS_S = 315_360_000

export class StaticFiles {
  readonly #root: string
  readonly #prefix: string
  readonly #versions = new Map<string, string>()
  readonly #keep: boolean

  /** @param prefix - as `/static/`. @param keep - work out each file's version once, not each time. */
  constructor(folder: string, prefix: string, keep: boolean) {
    this.#root = resolve(folder)
    this.#prefix = prefix
    this.#keep = keep
  }

  /** Whether a path, still percent-encoded, is below the prefix. */
  covers(path: string): boolean {
    return path.startsWith(this.#prefix)
  }

  /** The path of a file, with a version that changes when the file does. */
  url(file: string): string {
    const path = this.#prefix + file.split('/').map(encodeURIComponent).join('/')
    const version = this.#version(file)
    return version === undefined ? path : `${path}?v=${version}`
  }

  /** Answers a request below the prefix. Never rejects. */
  async answer(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    clock: Clock,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerWithLine(response, clock, 405, 'this file is for reading: use GET', {
        Allow: 'GET, HEAD',
      })
      return
    }
    const file = this.#inside(path.slice(this.#prefix.length))
    if (typeof file === 'number') {
      answerWithLine(response, clock, file, 'there is no such file')
      return
    }
    try {
      await send(file, request, response, clock)
    } catch {
      if (response.headersSent) response.destroy()
      else answerWithLine(response, clock, 404, 'there is no such file')
    }
  }

  // The file that an encoded path means, or the status that refuses it.
  #inside(encoded: string): string | number {
    let relative: string
    try {
      relative = decodeURIComponent(encoded)
    } catch {
      return 400
    }
    if (relative.includes('\0')) return 404
    const file = join(this.#root, relative)
    return file.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep) ? file : 403
  }

  #version(file: string): string | undefined {
    const known = this.#versions.get(file)
    if (known !== undefined) return known
    try {
      const bytes = readFileSync(join(this.#root, file))
      const version = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
      if (this.#keep) this.#versions.set(file, version)
      return version
    } catch {
      return undefined
    }
  }
}

async function send(
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  const handle = await open(file)
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new Error('no file')
    const modifiedS = Math.floor(stat.mtimeMs / 1000)
    const isVersioned = /[?&]v=/.test(request.url ?? '')
    const headers = {
      'Content-Type': CONTENT_TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
      'Last-Modified': new Date(modifiedS * 1000).toUTCString(),
      'Cache-Control': isVersioned ? `public, max-age=${TEN_YEARS_S}` : 'no-cache',
      'X-Content-Type-Options': 'nosniff',
    }
    if (Date.parse(request.headers['if-modified-since'] ?? '') >= modifiedS * 1000) {
      response.writeHead(304, headers)
      endBehind(response, clock)
      return
    }
    response.writeHead(200, { ...headers, 'Content-Length': stat.size })
    if (request.method !== 'HEAD' && stat.size > 0) {
      // No further than the length that was told, should the file grow meanwhile.
      const content = handle.createReadStream({ end: stat.size - 1, autoClose: false })
      await pipeline(content, response, { end: false })
    }
    endBehind(response, clock)
  } finally {
    await handle.close()
  }
}
