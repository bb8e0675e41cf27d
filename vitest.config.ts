import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^windsock$/, replacement: source('index.ts') },
      { find: /^windsock\/testing$/, replacement: source('testing/index.ts') },
      { find: /^windsock\/tornado$/, replacement: source('tornado/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A property of a thousand runs takes seconds, not the five that are the default.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
