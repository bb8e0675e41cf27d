// Both stores keep the contract: the one in memory, and the one in a file with a real thread and a real disk.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { type StoreUnderTest, seededRandom, storeContract } from 'windsock/testing'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import { openSqliteStore } from '../../../src/journal/sqlite-store.ts'
import type { Store } from '../../../src/journal/store.ts'

async function inMemory(): Promise<StoreUnderTest> {
  return { store: new MemoryStore(seededRandom(1)), dispose: async () => {} }
}

async function inFile(): Promise<StoreUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-journal-'))
  let store: Store = await openSqliteStore(join(folder, 'journal.db'))
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openSqliteStore(join(folder, 'journal.db'))
      return store
    },
    dispose: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

describe('the store in memory', () => {
  for (const { name, run } of storeContract(inMemory)) it(name, run)
})

describe('the store in a file', () => {
  for (const { name, run } of storeContract(inFile)) it(name, run)
})
