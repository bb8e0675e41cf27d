// The page of the connection, as user code sees it.

import { page, table } from './markdown.ts'
import { membersOf, withoutTags } from './members.ts'

const SOURCE = 'src/handlers/handler.ts'

export function connectionPage(): string {
  return page(
    'The connection',
    SOURCE,
    'What a stream function gets as its first argument, what an actor finds as `input.connection`, and what a class ' +
      'has as `this.connection` from `open()` on.',
    members('Connection'),
    '## `connection.request`',
    'The upgrade request, or a plain one: plain data that outlives the socket.',
    members('ConnectionRequest'),
    '## `context`',
    'The second argument of a stream function. With its clock a handler runs in virtual time, too.',
    members('HandlerContext'),
  )
}

function members(name: string): string {
  return table(
    ['Member', 'Meaning'],
    membersOf(SOURCE, name).map(({ signature, text }) => [`\`${signature}\``, withoutTags(text)]),
  )
}
