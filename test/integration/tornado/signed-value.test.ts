// Signed values and the real Tornado: each reads what the other has signed.

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createSignedValue, decodeSignedValue, signedKeyVersion } from 'windsock/tornado'
import { requires } from '../../support/requires.ts'

const PYTHON = '/usr/bin/python3'
const here = requires(
  'python3-tornado',
  () => spawnSync(PYTHON, ['-c', 'import tornado.websocket']).status === 0,
)

/** Runs a program with `given` as its JSON input; gives its JSON output. */
function python(program: string, given: unknown): unknown {
  const prelude =
    'import sys, json, base64\nfrom tornado.web import create_signed_value, decode_signed_value, get_signature_key_version\ngiven = json.load(sys.stdin)\n'
  const run = spawnSync(PYTHON, ['-c', prelude + program], {
    input: JSON.stringify(given),
    encoding: 'utf8',
  })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout)
}

const SECRET = 'größer als ein Geheimnis €𝄞'
const KEYS = { 3: 'three', 11: 'eleven' }
const VALUES = ['', 'value', 'größer €𝄞', 'x'.repeat(3_000), '{"a":[1,2]}']

describe.runIf(here)('signed values and the real Tornado', () => {
  it('reads what Tornado has signed, with one secret and with several (T99, T102)', () => {
    const [plain, keyed] = python(
      `print(json.dumps([
         [create_signed_value(given["secret"], "name", v).decode() for v in given["values"]],
         [create_signed_value({int(k): s for k, s in given["keys"].items()}, "name", v, key_version=11).decode()
          for v in given["values"]],
       ]))`.replace(/\n {7}/g, '\n'),
      { secret: SECRET, keys: KEYS, values: VALUES },
    ) as [string[], string[]]
    const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()
    expect(plain.map((one) => text(decodeSignedValue(SECRET, 'name', one)))).toEqual(VALUES)
    expect(keyed.map((one) => text(decodeSignedValue(KEYS, 'name', one)))).toEqual(VALUES)
    expect(keyed.map(signedKeyVersion)).toEqual(VALUES.map(() => 11))
    expect(keyed.map((one) => decodeSignedValue({ 3: 'three' }, 'name', one))).toEqual(
      VALUES.map(() => null),
    )
  })

  it('is read by Tornado, with one secret and with several (T99, T102)', () => {
    const plain = VALUES.map((value) => createSignedValue(SECRET, 'name', value))
    const keyed = VALUES.map((value) => createSignedValue(KEYS, 'name', value, { keyVersion: 3 }))
    const seen = python(
      `keys = {int(k): s for k, s in given["keys"].items()}
show = lambda b: None if b is None else b.decode()
print(json.dumps([
  [show(decode_signed_value(given["secret"], "name", v, min_version=2)) for v in given["plain"]],
  [show(decode_signed_value(keys, "name", v)) for v in given["keyed"]],
  [get_signature_key_version(v) for v in given["keyed"]],
  [show(decode_signed_value(given["secret"], "other", v)) for v in given["plain"]],
]))`,
      { secret: SECRET, keys: KEYS, plain, keyed },
    )
    expect(seen).toEqual([VALUES, VALUES, VALUES.map(() => 3), VALUES.map(() => null)])
  })

  it('makes the same bytes at the same second (T99, T103)', () => {
    const theirs = python(
      'print(json.dumps(create_signed_value("s", "a", "b", clock=lambda: 1700000000.9, key_version=7).decode()))',
      {},
    )
    const clock = { wallMs: () => 1_700_000_000_900 }
    expect(createSignedValue('s', 'a', 'b', { keyVersion: 7, clock })).toBe(theirs)
  })
})
