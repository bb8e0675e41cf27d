// Reference: writes docs/reference/ from the tables in the code, so that a page cannot disagree with it.
//
//   npm run reference              writes the pages
//   npm run reference -- --check   fails when one of them is stale

import { settle } from './generated.ts'
import { clientPage } from './reference/client.ts'
import { closeCodesPage } from './reference/close-codes.ts'
import { closeRecordPage } from './reference/close-record.ts'
import { connectionPage } from './reference/connection.ts'
import { errorsPage } from './reference/errors.ts'
import { limitsPage } from './reference/limits.ts'
import { serverPage } from './reference/server.ts'
import { settingsPage } from './reference/settings.ts'
import { topicsPage } from './reference/topics.ts'
import { tornadoPage } from './reference/tornado.ts'

process.exitCode = settle(
  {
    'docs/reference/client.md': clientPage(),
    'docs/reference/close-codes.md': closeCodesPage(),
    'docs/reference/close-record.md': closeRecordPage(),
    'docs/reference/connection.md': connectionPage(),
    'docs/reference/errors.md': errorsPage(),
    'docs/reference/limits.md': limitsPage(),
    'docs/reference/server.md': serverPage(),
    'docs/reference/settings.md': settingsPage(),
    'docs/reference/topics.md': topicsPage(),
    'docs/reference/tornado.md': tornadoPage(),
  },
  'npm run reference',
  process.argv.slice(2),
)
