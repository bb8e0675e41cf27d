// The Durable Streams protocol, as its authors test it: their suite against our server over real sockets.
//
// The suite makes its streams by PUT, which windsock has not; `support/durable-streams-server.ts` adds it for the tests.
// What the suite asks beyond reading, waiting and appending is left out here, by name and with the reason;
// `docs/reference/http.md` lists the same. A name that the suite does not have (any more) fails.

import { runConformanceTests } from '@durable-streams/server-conformance-tests'
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import type { Server } from 'windsock'
import { durableStreamsServer } from './support/durable-streams-server.ts'

const BY_CLIENTS = 'streams are made and deleted by programs, not by clients'
const NO_SEQ = 'Stream-Seq: Idempotency-Key makes an append safe to send again'
const NO_PRODUCERS = 'Producer-*: Idempotency-Key makes an append safe to send again'
const NO_TTL = 'a topic lives as long as its program; its history is bounded by age'

/** Groups, and tests that stand in a group that runs. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'Basic Stream Operations': BY_CLIENTS,
  'should return correct headers on PUT': BY_CLIENTS,
  'should return 200 on idempotent PUT with same config': BY_CLIENTS,
  'should return 409 on PUT with different config': BY_CLIENTS,
  'should return 404 on DELETE non-existent stream': BY_CLIENTS,
  'should return 204 on successful DELETE': BY_CLIENTS,
  'should include X-Content-Type-Options: nosniff on PUT responses': BY_CLIENTS,
  'should allow idempotent create with different case content-type': BY_CLIENTS,
  'should return Location header on 201': BY_CLIENTS,
  'should accept PUT without Content-Type (use default)': BY_CLIENTS,
  'should enforce sequence ordering with seq': NO_SEQ,
  'should enforce sequence ordering': NO_SEQ,
  'should enforce lexicographic seq ordering ("2" then "10" rejects)': NO_SEQ,
  'should allow lexicographic seq ordering ("09" then "10" succeeds)': NO_SEQ,
  'should reject duplicate seq values': NO_SEQ,
  'should enforce case-sensitive seq ordering': NO_SEQ,
  'should accept headers with different casing': NO_SEQ,
  'Sequence Ordering Properties': NO_SEQ,
  'concurrent writers with sequence numbers - server handles gracefully': NO_SEQ,
  'concurrent writers racing with incrementing seq values': NO_SEQ,
  'Idempotent Producer Operations': NO_PRODUCERS,
  'TTL and Expiry Validation': NO_TTL,
  'TTL and Expiry Edge Cases': NO_TTL,
  'HEAD Metadata Edge Cases': NO_TTL,
  'TTL Expiration Behavior': NO_TTL,
  'Stream Closure': 'a topic does not end',
  'Fork - Creation': 'a topic has no branches',
  'Fork - Reading': 'a topic has no branches',
  'Fork - Appending': 'a topic has no branches',
  'Fork - Recursive': 'a topic has no branches',
  'Fork - Live Modes': 'a topic has no branches',
  'Fork - Deletion and Lifecycle': 'a topic has no branches',
  'Fork - TTL and Expiry': 'a topic has no branches',
  'Fork - JSON Mode': 'a topic has no branches',
  'Fork - Edge Cases': 'a topic has no branches',
}

const met = new Set<string>()

describe('the tests of the Durable Streams protocol', () => {
  const config = { baseUrl: '', longPollTimeoutMs: 1_000 }
  let server: Server

  beforeAll(async () => {
    server = await durableStreamsServer()
    config.baseUrl = server.url
  })
  afterAll(() => server.close())

  beforeEach(({ task, skip }) => {
    const name = namesOf(task).find((one) => one in LEFT_OUT)
    if (name === undefined) return
    met.add(name)
    skip(LEFT_OUT[name])
  })

  runConformanceTests(config)
})

describe('what is left out of them', () => {
  it('is in the suite', () => {
    expect(Object.keys(LEFT_OUT).filter((name) => !met.has(name))).toEqual([])
  })
})

/** A test's name, and those of the groups that it stands in. */
function namesOf(task: TestContext['task']): string[] {
  const names = [task.name]
  for (let { suite } = task; suite !== undefined; suite = suite.suite as typeof suite) {
    names.push(suite.name)
  }
  return names
}
