// Breaks our own rules on purpose, one line at a time, and sees whether the checks notice.
//
//   npm run test:bugs                          every bug of test/seeded-bugs/bugs.json
//   npm run test:bugs -- --only outbound       those whose file or description fits the expression
//   npm run test:bugs -- --lifetimes 20000     how long the simulation looks for each; default 5,000
//   npm run test:bugs -- --no-properties       the simulation alone
//
// Each bug is put into a copy of the sources under .build/, which is built; the simulation runs on it from a fixed seed,
// and where that finds nothing the property tests do. A check that is green with a bug in place proves little.

import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    only: { type: 'string', default: '' },
    lifetimes: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    properties: { type: 'boolean', default: true },
    parallel: { type: 'string', default: '2' },
  },
})

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const all = JSON.parse(readFileSync(join(root, 'test/seeded-bugs/bugs.json'), 'utf8'))
const wanted = new RegExp(values.only)
const bugs = all.filter(({ file, breaks }) => wanted.test(`${file} ${breaks}`))
const COPIED = ['src', 'test', 'examples', 'demo', 'package.json', 'vitest.config.ts']
const CONFIGS = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.tools.json']
/** A run that has not ended by then hangs, which is a way of being found. */
const SIMULATION_MS = 300_000
const PROPERTIES_MS = 1_200_000
/** Longer than any test takes on a busy machine: a test that ran out of time has found nothing. */
const TEST_MS = 900_000

/** A copy of the sources, broken by `bug` where there is one, and built. */
async function prepare(slot, bug) {
  const folder = join(root, '.build/bugs', String(slot))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of [...COPIED, ...CONFIGS]) {
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  cpSync(join(root, '.build/test/simulation'), join(folder, 'simulation'), { recursive: true })
  if (bug !== undefined) {
    const file = join(folder, bug.file)
    const before = readFileSync(file, 'utf8')
    if (before.split(bug.from).length !== 2)
      throw new Error(`${bug.file} has not once: ${bug.from}`)
    writeFileSync(
      file,
      before.replace(bug.from, () => bug.to),
    )
  }
  // What the compiler has to say of types is no matter: it writes the files all the same.
  await run(folder, 120_000, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
  if (bug !== undefined) {
    const built = bug.file.replace('src/', 'dist/').replace('.ts', '.js')
    const { code, said } = await run(folder, 10_000, ['--check', built])
    // A file that does not even load is found by anything, and shows nothing.
    if (code !== 0) throw new Error(`${bug.breaks}: ${bug.file} is no JavaScript then: ${said}`)
  }
  return folder
}

/** Runs Node; how it ended, after how long, and what it said. */
function run(cwd, limitMs, args) {
  return new Promise((resolve) => {
    const began = performance.now()
    const child = spawn(process.execPath, args, { cwd, detached: true })
    let said = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    child.stderr.on('data', (data) => {
      said += data
    })
    // The whole group: vitest has workers of its own.
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, limitMs)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, ms: performance.now() - began, said })
    })
  })
}

const firstLine = (said, pattern) => pattern.exec(said)?.[1]?.slice(0, 60)

async function look(slot, bug) {
  const folder = await prepare(slot, bug)
  const { seed, lifetimes } = values
  const simulation = ['simulation/main.js', '--quiet', '--seed', seed, '--lifetimes', lifetimes]
  const first = await run(folder, SIMULATION_MS, simulation)
  if (first.code !== 0) {
    const how = first.signal ? 'it hangs' : (firstLine(first.said, /✗ (\w+)/) ?? 'it crashes')
    return { by: 'simulation', how, ms: first.ms, said: first.said }
  }
  if (!values.properties) return undefined
  // Where it is known which property is about this rule, that one is asked first: all of them take minutes. What is sound
  // has to pass those that are known.
  const known = [bug ?? bugs].flat().flatMap(({ property }) => property ?? [])
  const files = [...new Set(known)].map((name) => `test/property/${name}.property.test.ts`)
  let { ms } = first
  for (const which of bug === undefined ? [files] : [files, ['test/property']]) {
    if (which.length === 0) continue
    const options = ['--bail=1', '--maxWorkers=2', `--testTimeout=${TEST_MS}`]
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...which, ...options]
    const second = await run(folder, PROPERTIES_MS, vitest)
    ms += second.ms
    if (second.code === 0) continue
    const how = second.signal ? 'it hangs' : firstLine(second.said, /FAIL.*? > (.*)/)
    return { by: 'properties', how, ms, said: second.said }
  }
  return undefined
}

console.log(`${bugs.length} bugs, seed ${values.seed}, up to ${values.lifetimes} lifetimes each`)
const sound = await look('sound')
if (sound !== undefined) {
  console.error(`✗ without any bug the ${sound.by} fails: ${sound.how}\n${sound.said}`)
  process.exit(1)
}

const found = []
const missed = []
const waiting = [...bugs]
await Promise.all(
  Array.from({ length: Number(values.parallel) }, async (_, slot) => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const result = await look(slot, bug)
      if (result === undefined) missed.push(bug)
      else found.push(result)
      const time = result === undefined ? '' : `${(result.ms / 1_000).toFixed(1)} s`
      const mark = result === undefined ? '✗' : '✓'
      const by = result === undefined ? 'not found' : `${result.by}: ${result.how}`
      console.log(
        `${mark} ${time.padStart(7)}  ${bug.file.replace('src/', '')}: ${bug.breaks}  (${by})`,
      )
    }
  }),
)

const times = found.map(({ ms }) => ms).sort((a, b) => a - b)
const median = (times[Math.floor(times.length / 2)] ?? 0) / 1_000
const bySimulation = found.filter(({ by }) => by === 'simulation').length
console.log(`
found ${found.length} of ${bugs.length}: ${bySimulation} by the simulation, ${found.length - bySimulation} by the property tests
median time ${median.toFixed(1)} s`)
process.exit(missed.length === 0 ? 0 : 1)
