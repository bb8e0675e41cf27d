// A simulated population of clients reads one topic in all four ways, through cuts, restarts, trims and lost answers.
//
//   npm run test:population                       until readers have come back 100,000 times
//   npm run test:population -- --resumes 5000
//   npm run test:population -- --seed 42 --resumes 1    the population of seed 42 alone
//
// Each population has a seed of its own, counted up from the first. It ends with a table; or with the first population in
// which a message was lost or came twice, made small, and what plays it again.

import { parseArgs } from 'node:util'
import { run, tellFailure } from '../test/property/support/population/run.ts'
import type { Tally } from '../test/property/support/population/tally.ts'

const { values } = parseArgs({
  options: {
    resumes: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const [resumes, seed] = [Number(values.resumes), Number(values.seed)]
if (!Number.isInteger(resumes) || resumes < 1) bad('resumes', 'a whole number, at least 1')
if (!Number.isInteger(seed) || seed !== (seed | 0)) bad('seed', 'a whole number of 32 bits')

function bad(name: 'resumes' | 'seed', allowed: string): never {
  console.error(`--${name} is ${values[name]}: it must be ${allowed}`)
  process.exit(2)
}

/** A terminal sees one line that changes, a pipe a line for each tenth. */
function progress(): (tally: Tally) => void {
  const { isTTY } = process.stdout
  let told = 0
  return (tally) => {
    const step = isTTY ? resumes / 1_000 : resumes / 10
    if (tally.resumes < told + step && tally.resumes < resumes) return
    told = tally.resumes
    const { lost, repeated } = tally
    const text = `${told}/${resumes} resumes, ${lost} lost, ${repeated} repeated`
    process.stdout.write(isTTY ? `\r${text}` : `${text}\n`)
  }
}

console.log(`${resumes} resumes, seed ${seed}`)
const beganMs = performance.now()
const { tally, failure } = await run({
  seed,
  resumes,
  onProgress: progress(),
  onFound: (found) =>
    console.log(`\nfound something at seed ${found}; making it small, for a minute at most`),
})
const seconds = Math.round((performance.now() - beganMs) / 1_000)
console.log(`\n${tally.toString()}\n`)
if (failure === undefined) {
  console.log(
    `✓ ${tally.resumes} resumes in ${seconds} s: none lost, none repeated, every gap announced`,
  )
} else {
  console.error(`✗ ${tellFailure(failure)}`)
  process.exitCode = 1
}
