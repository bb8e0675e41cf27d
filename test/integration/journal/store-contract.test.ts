// All stores keep the contract: the one in memory, the one in a file with a real thread and a real disk, and the one
// that simulations have for a disk.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import {
  SimulatedDisk,
  type StoreUnderTest,
  seededRandom,
  storeContract,
  VirtualClock,
} from 'windsock/testing'
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

async function onSimulatedDisk(): Promise<StoreUnderTest> {
  const [disk, clock] = [new SimulatedDisk(), new VirtualClock()]
  const store = disk.open(clock)
  return { store, reopen: async () => disk.open(clock), dispose: async () => {} }
}

describe('the store in memory', () => {
  for (const { name, run } of storeContract(inMemory)) it(name, run)
})

describe('the store on a simulated disk', () => {
  for (const { name, run } of storeContract(onSimulatedDisk)) it(name, run)
})

describe('the store in a file', () => {
  for (const { name, run } of storeContract(inFile)) it(name, run)
})
