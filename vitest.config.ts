import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

// Tests run from the sources, and a worker thread of Node 20 cannot: it gets the built file, which `npm test` has made.
const builtWorker = {
  name: 'built-worker',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!id.endsWith('/src/journal/sqlite-store.ts')) return undefined
    return code.replace("'./sqlite-worker.js'", "'../../dist/journal/sqlite-worker.js'")
  },
}

export default defineConfig({
  plugins: [builtWorker],
  resolve: {
    alias: [
      { find: /^windsock$/, replacement: source('index.ts') },
      { find: /^windsock\/client$/, replacement: source('client/node.ts') },
      { find: /^windsock\/testing$/, replacement: source('testing/index.ts') },
      {
        find: /^windsock\/testing\/arbitraries$/,
        replacement: source('testing/arbitraries.ts'),
      },
      { find: /^windsock\/tornado$/, replacement: source('tornado/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A property of a thousand runs takes seconds, not the five that are the default.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['src'],
      // Tested as built, where nothing is counted: in a process, a thread or a browser of its own.
      exclude: [
        'src/cli/**',
        'src/journal/sqlite-{driver,schema,tables,worker}.ts',
        'src/journal/checksum.ts',
        'src/client/browser-environment.ts',
      ],
      thresholds: { lines: 95 },
    },
  },
})
