// windsock/testing: time, network and peers that a test holds in its hand.
//
// The public names, one by one. Nothing here needs a test runner; use it with any. What fast-check makes up is in
// windsock/testing/arbitraries.

export {
  type DoorAnswer,
  LinkEnd,
  type LinkItem,
  type LinkOptions,
  type PeerLink,
} from '../transport/memory.ts'
export { Client } from './client.ts'
export { Follower, type Sighting, type TopicView } from './follower.ts'
export { encodeFrame, type Frame, OPCODES } from './frame-codec.ts'
export {
  Harness,
  type HarnessEntries,
  type HarnessEntry,
  type HarnessOptions,
  type HarnessProcess,
  harness,
} from './harness.ts'
export { LawBroken, laws } from './laws.ts'
export { type Calm, Life, type LifeEntry } from './life.ts'
export { Peer, type WireEntry } from './peer.ts'
export { ReconnectingClient } from './reconnecting.ts'
export {
  type ClientAct,
  type FailingHook,
  type PlainAct,
  Script,
  type ServerAct,
  type Step,
} from './script.ts'
export { seededRandom } from './seeded-random.ts'
export { type DiskCondition, SimulatedDisk } from './simulated-disk.ts'
export { type ContractCheck, type StoreUnderTest, storeContract } from './store-contract.ts'
export { trace } from './trace.ts'
export type { ClientOptions, ConnectOptions } from './upgrade-request.ts'
export { VirtualClock } from './virtual-clock.ts'
