// Makes a fresh clone, or one that just pulled, ready to run: dependencies, and with `build` dist/.
//
//   node tools/ready.mjs [build]
//
// Runs before `npm start` and `npm test`. Quiet and quick when there is nothing to do. It must work
// before anything is installed, so it knows nothing but Node itself.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, isBuilt } from './build.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const json = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'))

function main() {
  const needed = json('package.json').engines.node.replace('>=', '')
  if (isOlder(process.versions.node, needed)) {
    return fail(`windsock needs Node ${needed} or newer; this is ${process.version}.`)
  }

  const missing = firstMissing()
  if (missing) {
    console.log(`ready: ${missing}; running npm ci …`)
    if (!npmCi()) {
      return fail(
        'npm ci failed, so the dependencies are not there. Its own message stands above;',
        'it needs the network and a package registry. Put that right, then run `npm ci`.',
      )
    }
  }

  if (process.argv.includes('build') && !isBuilt()) {
    console.log('ready: dist/ is not built from the present sources; building …')
    if (!build()) return fail('the build failed; its messages stand above.')
  }
  return 0
}

/** Says how node_modules falls short of the lock file; `undefined` when it does not. */
function firstMissing() {
  // npm writes this file last, so a broken-off install counts as none.
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) {
    return 'dependencies are not installed'
  }
  const wanted = json('package-lock.json').packages
  const installed = json('node_modules/.package-lock.json').packages
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const found = installed[path]
    // An optional package may be left out: it is for another platform.
    if (!found && entry.optional) continue
    // For some binaries of other platforms the lock file has no checksum to compare.
    const isSame = !entry.integrity || found?.integrity === entry.integrity
    if (found?.version !== entry.version || !isSame) {
      return `${path.replace('node_modules/', '')} ${entry.version} of the lock file is not installed`
    }
  }
  return undefined
}

function npmCi() {
  const args = ['ci', '--include=dev']
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }
  // Under `npm start` or `npm test`, the npm that called is the one to use.
  const npm = process.env.npm_execpath
  const { status } = /npm-cli\.c?js$/.test(npm ?? '')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  return status === 0
}

function isOlder(version, needed) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [neededMajor = 0, neededMinor = 0] = needed.split('.').map(Number)
  return major < neededMajor || (major === neededMajor && minor < neededMinor)
}

function fail(...lines) {
  console.error(`ready: ${lines.join('\n       ')}`)
  return 1
}

process.exitCode = main()
