// The size of windsock/client in a page: what it weighs now, and what it may.
//
//   node tools/client-size.mjs
//
// In bytes that go over the wire: minified and compressed. A bound that is passed is raised on purpose or not at all.
// Also: the bundle is whole, so that a page needs no bundler, and has nothing in it that is only in Node. Run by
// `npm run pack:check`.

import { gzipSync } from 'node:zlib'
import { bundleClient } from './bundle.mjs'

const PACKAGES = [/^xstate/, /^rxjs/, /^eventsource-parser/]

const PARTS = [
  { part: 'with all that it needs', most: 30_000 },
  { part: 'of our own', most: 13_000, external: PACKAGES },
  {
    part: 'of our own, connectPlain() alone',
    most: 6_000,
    external: PACKAGES,
    only: 'connectPlain',
  },
]

/** What only Node has, as it would stand in the code. */
const NODE = /["'`]node:|\b(?:Buffer\.|setImmediate\(|require\(|process\.(?:nextTick|env|versions))/

for (const { part, most, external = [], only } of PARTS) {
  const { code, imports } = await bundleClient({ external, only })
  const strays = imports.filter((name) => !external.some((one) => one.test(name)))
  if (strays.length > 0) throw new Error(`the client needs ${strays.join(', ')}`)
  const found = NODE.exec(code)
  if (found !== null) throw new Error(`the client has ${found[0]}, which pages have not`)
  const bytes = gzipSync(code, { level: 9 }).length
  if (bytes > most) throw new Error(`${bytes} bytes ${part}: more than ${most}`)
  console.log(`${bytes} bytes ${part}, of ${most}`)
}
