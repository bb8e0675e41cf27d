// The page of serve(), attach(), and what stands in their routes.

import { CONTENT_TYPES } from '../../src/http/page.ts'
import { page, table } from './markdown.ts'
import { membersOf, withoutTags, wordsOf } from './members.ts'

export function serverPage(): string {
  return page(
    'The server',
    'src/server.ts, src/route.ts and src/http/page.ts',
    "`import { serve, attach, route, page } from 'windsock'`. What they may be told is on the page of the " +
      '[settings](settings.md).',
    '## `await serve({ routes, … })`',
    words('src/server.ts', 'serve'),
    'What it gives:',
    members('src/server.ts', 'Server'),
    'And what `attach()` gives, too:',
    members('src/server.ts', 'Attached'),
    'Each also is disposable: `await using server = await serve(…)` closes it at the end of its block. In `counts`:',
    members('src/runtime.ts', 'ConnectionCounts'),
    '## `attach(server, { routes, … })`',
    words('src/server.ts', 'attach'),
    '## `route(path, form, settings)`',
    words('src/route.ts', 'route'),
    '## `page(path, file)`',
    words('src/http/page.ts', 'page'),
    `Endings and what they are served as: ${Object.entries(CONTENT_TYPES)
      .map(([ending, type]) => `\`${ending}\` ${type}`)
      .join(', ')}.`,
    '[`topics()`](topics.md) gives several routes at once; an array may hold them among the others.',
  )
}

function words(path: string, name: string): string {
  return withoutTags(wordsOf(path, name))
}

function members(path: string, type: string): string {
  return table(
    ['Member', 'Meaning'],
    membersOf(path, type).map(({ signature, text }) => [`\`${signature}\``, withoutTags(text)]),
  )
}
