// The page of the settings that are no limits.

import { DEFAULT_SETTINGS } from '../../src/route-settings.ts'
import { page, table } from './markdown.ts'
import { membersOf } from './members.ts'

export function settingsPage(): string {
  return page(
    'Settings',
    'src/route-settings.ts, src/protocol/compression.ts, src/server-options.ts and src/dial.ts',
    'A route takes the settings of its server and overrides what it names: ' +
      "`route(path, handler, { slow: 'latest', pingIntervalMs: 5_000 })`. A name that is no setting, and a value that " +
      'is not allowed, throw a `SettingError` when the route or server is made. Every number is on the page of the ' +
      '[limits](limits.md).',
    '## For a route',
    'In `serve()` and `attach()` they are the default of all routes.',
    members('src/route-settings.ts', 'RouteSettings'),
    `The default policy for slow consumers is \`${DEFAULT_SETTINGS.slow}\`; ` +
      '[slow consumers](../how-to/slow-consumers.md) tells which one suits what.',
    '## `compression`',
    'Off unless asked for. `true` takes these defaults:',
    members('src/protocol/compression.ts', 'Compression'),
    'A message of a topic is deflated once for all its subscribers, whatever each of them agreed on; what a connection ' +
      'sends on its own is deflated for it alone ([flow](../explanation/flow.md#to-many)).',
    '## For `serve()` and `attach()`',
    members('src/server-options.ts', 'ServerSettings'),
    '## For `serve()` only',
    members('src/server-options.ts', 'ServeOptions'),
    '## For `dial()`',
    'Beside the limits of a route, `compression` (which offers it), `slow`, `machine`, `proofOfLife` and ' +
      '`pingTimeoutCode`; [connecting as a client](../how-to/connect-as-a-client.md) shows them. `websocketConnect()` of ' +
      "`windsock/tornado` has Tornado's names and seconds.",
    members('src/dial.ts', 'DialOptions'),
    members('src/dial.ts', 'DialSettings'),
  )
}

function members(path: string, type: string): string {
  return table(
    ['Setting', 'Meaning'],
    membersOf(path, type).map(({ signature, text }) => [`\`${signature}\``, text]),
  )
}
