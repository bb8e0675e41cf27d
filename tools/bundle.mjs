// Bundles windsock/client into the one file that a page loads without a bundler.
//
//   node tools/bundle.mjs      src/client/index.ts → dist/client/windsock-client.js
//
// Minified, with all that it needs inside. Run by tools/build.mjs.

import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The bundle's code; `external` names packages that are left out, to see what is ours. */
export async function bundleClient(external = []) {
  const bundle = await rolldown({
    cwd: root,
    input: 'src/client/index.ts',
    platform: 'browser',
    external,
    logLevel: 'warn',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  if (output.length !== 1) throw new Error(`one file was expected, not ${output.length}`)
  return output[0].code
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { mkdirSync, writeFileSync } = await import('node:fs')
  const banner =
    '// windsock/client, with xstate, rxjs and eventsource-parser (MIT and Apache-2.0)\n'
  mkdirSync(new URL('../dist/client/', import.meta.url), { recursive: true })
  const file = new URL('../dist/client/windsock-client.js', import.meta.url)
  writeFileSync(file, banner + (await bundleClient()))
}
