// Placeholder until the store is written; replace this file as a whole.
// It keeps the imports of others whole.
import type { Store } from './store.ts'

export async function openSqliteStore(_file: string): Promise<Store> {
  throw new Error('not here yet')
}
