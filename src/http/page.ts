// Page: a file that a plain GET is answered with, beside the routes that speak WebSocket.
//
// One file a page, read and compressed once when the server starts: pages belong to the program. For more than a handful
// of them use an HTTP framework and `attach()` to its server.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { isKnown } from '../protocol/entity-tag.ts'
import { describe, show, WebSocketError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { pathOf } from '../protocol/request-target.ts'
import { answerWithLine, endBehind } from './plain-answer.ts'

/** What the ending of a file says about its content. */
export const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
}

/** Scripts and styles from here alone, sockets to anywhere: an injected script finds nothing to run. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:"

/** What `page()` makes: a file, read already, and the path that it is served at. */
export interface Page {
  readonly kind: 'page'
  readonly path: string
  readonly body: Buffer
  /** The same for whoever takes it; `undefined` where it would not be shorter. */
  readonly gzipped: Buffer | undefined
  readonly contentType: string
  /** Changes when the content does. */
  readonly version: string
}

/**
 * A file served at a path, compressed for whoever takes gzip; who has it as it is gets 304. Scripts, styles and images are
 * taken from this server alone, sockets from anywhere; scripts and styles inside of a page are not.
 *
 * @param path - the exact path, as `/` or `/chat-room`.
 * @param file - a path or `file:` URL; its ending tells the content type, as those of most files of a page do.
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE` when the file cannot be read or its ending is unknown.
 */
export function page(path: string, file: string | URL): Page {
  if (typeof path !== 'string' || !path.startsWith('/')) {
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `a page's path is ${show(path)}: it must begin with "/"`,
    )
  }
  if (typeof file !== 'string' && !(file instanceof URL && file.protocol === 'file:')) {
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `page ${path}: the file is ${show(file)}: it must be a path or a file: URL`,
    )
  }
  const name = file instanceof URL ? fileURLToPath(file) : file
  const contentType = CONTENT_TYPES[extname(name)]
  if (contentType === undefined) {
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `page ${path}: the ending of ${name} says no content type; known are ${Object.keys(CONTENT_TYPES).join(' ')}`,
    )
  }
  try {
    const body = readFileSync(name)
    const gzipped = gzipSync(body, { level: 9 })
    const version = createHash('sha256').update(body).digest('hex').slice(0, 32)
    const isShorter = gzipped.byteLength < body.byteLength
    return {
      kind: 'page',
      path,
      body,
      gzipped: isShorter ? gzipped : undefined,
      contentType,
      version,
    }
  } catch (cause) {
    // What is there beside the program need not be there beside whoever starts it.
    const from = isAbsolute(name)
      ? ''
      : `; it is looked for in ${process.cwd()}, and beside the program with new URL('${name}', import.meta.url)`
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `page ${path}: cannot read ${name}: ${describe(cause)}${from}`,
      { cause },
    )
  }
}

/** Answers a plain request from `pages`; false when none has its path. */
export function answerWithPage(
  pages: readonly Page[],
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): boolean {
  const path = pathOf(request.url ?? '/')
  const found = pages.find((candidate) => candidate.path === path)
  if (found === undefined) return false
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answerWithLine(response, clock, 405, 'this page is for reading: use GET', {
      Allow: 'GET, HEAD',
    })
    return true
  }
  const gzipped = takesGzip(request.headers['accept-encoding']) ? found.gzipped : undefined
  const body = gzipped ?? found.body
  const tag = `"${found.version}${gzipped === undefined ? '' : '-gzip'}"`
  const headers = {
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-cache',
    Vary: 'Accept-Encoding',
    ETag: tag,
  }
  if (isKnown([request.headers['if-none-match'] ?? ''], tag)) {
    response.writeHead(304, headers)
  } else {
    response.writeHead(200, {
      ...headers,
      ...(gzipped && { 'Content-Encoding': 'gzip' }),
      'Content-Type': found.contentType,
      'Content-Length': body.byteLength,
    })
    if (request.method !== 'HEAD') response.write(body)
  }
  endBehind(response, clock)
  return true
}

/** Whether gzip is among the codings that a client takes (RFC 9110 §12.5.3). */
function takesGzip(accepted = ''): boolean {
  return accepted
    .split(',')
    .some((coding) => /^\s*gzip\s*($|;)/i.test(coding) && !/;\s*q=0(\.0*)?\s*$/i.test(coding))
}
