// The page of the limits.

import { SESSION_LIMITS } from '../../src/handlers/session-limits.ts'
import type { ReasonedBound } from '../../src/protocol/bound.ts'
import { LIMITS, type Limit } from '../../src/protocol/limits.ts'
import { TOPIC_LIMITS } from '../../src/transport/topic-limits.ts'
import { number, page, sentence, table } from './markdown.ts'

const SCOPES = [
  {
    scope: 'route',
    title: 'For a route',
    text: 'On a route they hold for its connections; in `serve()` and `attach()` they are the default of all routes.',
  },
  {
    scope: 'server',
    title: 'For the whole server',
    text:
      'In `serve()` and `attach()` only: on a route they are refused. With `attach()` the HTTP server is yours, ' +
      'so `maxHeaderBytes` and `headersTimeoutMs` are its own matter and change nothing.',
  },
] as const

export function limitsPage(): string {
  const limits = Object.entries<Limit>(LIMITS)
  return page(
    'Limits',
    'src/protocol/limits.ts, src/handlers/session-limits.ts and src/transport/topic-limits.ts',
    'Nothing that windsock keeps is unbounded. Each limit is a whole number with a default, a range, and a stated behaviour at ' +
      'the bound. A value outside its range throws a `SettingError` (`ERR_WINDSOCK_SETTING`) when the server or route ' +
      'is made, which names the setting, the value and the range. Milliseconds end at 2^31-1 because a longer timer ' +
      'of Node fires at once.',
    "Those of routes and servers are `LIMITS` in code: `import { LIMITS } from 'windsock'`.",
    ...SCOPES.flatMap(({ scope, title, text }) => [
      `## ${title}`,
      text,
      rows(limits.filter(([, limit]) => limit.scope === scope)),
    ]),
    '## For `topics()`, over WebSocket',
    'Options of `topics()`. A session is a connection that speaks [`windsock.v1.json`](protocol.md).',
    rows(Object.entries(SESSION_LIMITS)),
    '## For `topics()`, over HTTP',
    'Options of `topics()`, too; [topics over HTTP](http.md) tells what they are about.',
    rows(Object.entries(TOPIC_LIMITS)),
  )
}

function rows(limits: readonly (readonly [string, ReasonedBound])[]): string {
  return table(
    ['Setting', 'Default', 'Range', 'Why this default', 'At the bound'],
    limits.map(([name, limit]) => [
      `\`${name}\``,
      quantity(limit),
      `${number(limit.min)} … ${number(limit.max)}`,
      sentence(limit.why),
      sentence(limit.atBound),
    ]),
  )
}

function quantity({ default: value, unit }: ReasonedBound): string {
  if (unit !== 'bytes') return `${number(value)} ${unit}`
  const [size, name] = value % 2 ** 20 === 0 ? [2 ** 20, 'MiB'] : [2 ** 10, 'KiB']
  return `${number(value / size)} ${name} (${number(value)} bytes)`
}
