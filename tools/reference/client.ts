// The page of windsock/client.

import { CLIENT_BOUNDS, TRANSPORTS } from '../../src/client/settings.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/protocol/errors.ts'
import { number, page, table } from './markdown.ts'
import { membersOf } from './members.ts'

const STATES = [
  ['`idle`', 'It was made in this moment.'],
  [
    '`connecting`',
    'A connection is being opened; over HTTP: nobody has answered yet, also where nothing was asked.',
  ],
  ['`resuming`', 'The server has answered, and topics are told where they go on.'],
  ['`open`', 'Every topic that somebody listens to has begun; publishes go out.'],
  ['`waiting`', 'The connection was lost or not opened. It connects again at `retryAtMs`.'],
  [
    '`offline`',
    'There is no network. It connects when there is one; browsers tell, Node does not.',
  ],
  ['`closing`', '`close()` was called, and the server has not answered yet.'],
  ['`closed`', 'The end: `close()`, or the server closed with 1000 or without a code.'],
  [
    '`failed`',
    'The end: the server closed with a [code](close-codes.md) after which coming back makes no sense.',
  ],
]

const CODES: readonly ErrorCode[] = [
  'ERR_WINDSOCK_SETTING',
  'ERR_WINDSOCK_TOPIC',
  'ERR_WINDSOCK_REFUSED',
  'ERR_WINDSOCK_LIMIT',
  'ERR_WINDSOCK_UNCERTAIN',
  'ERR_WINDSOCK_CLOSED',
  'ERR_WINDSOCK_MESSAGE_TYPE',
  'ERR_WINDSOCK_CLOSE_CODE',
  'ERR_WINDSOCK_CLOSE_REASON',
]

export function clientPage(): string {
  return page(
    'The client',
    'src/client/',
    '`windsock/client` has `connect(url, options)` for the topics of a server, and `connectPlain(url, options)` for plain ' +
      'messages over one WebSocket that comes back. In a page and in Node alike; [how to use it](../how-to/use-the-client.md).',
    'The address may be `http:` or `ws:`, which mean the same, relative in pages, or a function that is asked before each ' +
      'dial.',
    '## Options',
    'Whole numbers; a name that is no option and a value out of range throw a `SettingError`. `connectPlain()` has no ' +
      'use for `upgradeMs`, `pollMs`, `maxQueued` and `maxQueuedChars`.',
    table(
      ['Option', 'Default', 'Range', 'Meaning'],
      membersOf('src/client/settings.ts', 'CLIENT_BOUNDS').map(({ name, text }) => {
        const { default: usual, min, max } = CLIENT_BOUNDS[name as keyof typeof CLIENT_BOUNDS]
        return [
          `\`${name}\``,
          number(usual),
          `${number(min)} … ${number(max)}`,
          withoutDefault(text),
        ]
      }),
    ),
    'And these, for `connect()`:',
    members('src/client/client.ts', 'ClientOptions'),
    `The transports are ${TRANSPORTS.map((one) => `\`${one}\``).join(', ')}. One that cannot be opened is followed by the ` +
      'next; one that has been open is given up after three failures in a row, and a connection that was open for less than ' +
      '`steadyMs` is one of them. A client that is not on its first tries that again every `upgradeMs`, beside the one that ' +
      'it has; and, once a connection has held for `steadyMs`, for the first time after as long: more likely the server had ' +
      'been away.',
    'And for `connectPlain()`:',
    members('src/client/plain-client.ts', 'PlainOptions'),
    '## States',
    '`client.state` is the present one, `client.state$` replays it and tells each change. The way is `connecting`, ' +
      '`resuming`, `open`; after a loss `waiting`, and `connecting` again.',
    table(['State', 'Meaning'], STATES),
    'With each state:',
    members('src/client/lifecycle.ts', 'ClientState', ['state']),
    'How long it waits: anywhere from 0 to `firstRetryMs`, and twice that after each failure, up to `maxRetryMs`. A server ' +
      'that says `retry=30s` in the reason of its Close frame is obeyed instead: its clients come back anywhere within that ' +
      'time. `Retry-After` of an answer is the earliest moment, and they come back within the same time again behind it.',
    '## A topic',
    "`client.topic(name, begin)`; `begin` is `{ last: 50 }`, `{ from: 'start' }`, `{ from: 'now' }` (default) or " +
      '`{ since: position }`. A name that was asked for before gives the same topic, wherever that began: in a page of several ' +
      'parts make each topic once, and share it.',
    members('src/client/client.ts', 'ClientTopic'),
    'A message has',
    members('src/client/feed.ts', 'TopicMessage', ['type']),
    "and the position that is its own: `epoch` and `offset`. A gap, `{ type: 'gap', topic, … }`, has",
    members('src/protocol/reading.ts', 'ReadingGap'),
    '## Errors',
    'None is thrown into your code later on: they reject a `publish()` or end the `events$` of a topic.',
    'What a subscriber of yours throws ends nothing. In Node it is printed, as `ERR_WINDSOCK_UNHANDLED`, or goes to the ' +
      "`onError` of a server in the same process, unless you have set RxJS's `config.onUnhandledError` before; in a page it " +
      'is an `error` event of the window.',
    table(
      ['Code', 'Meaning'],
      CODES.map((code) => [`\`${code}\``, ERROR_CODES[code]]),
    ),
  )
}

/** `but`: those that the page has told of in other words. */
function members(path: string, type: string, but: readonly string[] = []): string {
  return table(
    ['Member', 'Meaning'],
    membersOf(path, type)
      .filter(({ name }) => !but.includes(name))
      .map(({ signature, text }) => [`\`${signature}\``, text]),
  )
}

/** It has a column of its own. */
function withoutDefault(text: string): string {
  return text.replace(/ Default [\d,]+\.$/, '')
}
