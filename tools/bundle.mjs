// Bundles windsock/client into the one file that a page loads without a bundler.
//
//   node tools/bundle.mjs      src/client/index.ts → dist/client/windsock-client.js
//
// Minified, with all that it needs inside. Run by tools/build.mjs.

import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

const ENTRY = 'src/client/index.ts'

/**
 * The bundle: its code, and what it imports.
 *
 * `external` names packages that are left out, to see what is ours; `only` is the one public name that is used, to see
 * what is left of it.
 */
export async function bundleClient({ external = [], only } = {}) {
  const bundle = await rolldown({
    cwd: root,
    input: only === undefined ? ENTRY : 'only',
    platform: 'browser',
    external,
    logLevel: 'warn',
    plugins: only === undefined ? [] : [using(only)],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  if (output.length !== 1) throw new Error(`one file was expected, not ${output.length}`)
  return output[0]
}

/** A program of one line, which uses one name. */
function using(name) {
  return {
    name: 'using',
    resolveId: (id) => (id === 'only' ? id : undefined),
    load: (id) => (id === 'only' ? `export { ${name} } from '${root}${ENTRY}'` : undefined),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { mkdirSync, writeFileSync } = await import('node:fs')
  const banner =
    '// windsock/client, with xstate, rxjs and eventsource-parser (MIT and Apache-2.0)\n'
  mkdirSync(new URL('../dist/client/', import.meta.url), { recursive: true })
  const file = new URL('../dist/client/windsock-client.js', import.meta.url)
  writeFileSync(file, banner + (await bundleClient()).code)
}
