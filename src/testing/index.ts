// windsock/testing: time, network and peers that a test holds in its hand.
//
// The public names, one by one. Nothing here needs a test runner; use it with any.

export { type DoorAnswer, LinkEnd, type LinkItem, type LinkOptions } from '../transport/memory.ts'
export { type ConnectOptions, Harness, type HarnessOptions, harness } from './harness.ts'
export { Peer, type WireEntry } from './peer.ts'
export { seededRandom } from './seeded-random.ts'
export { type ContractCheck, type StoreUnderTest, storeContract } from './store-contract.ts'
export { VirtualClock } from './virtual-clock.ts'
