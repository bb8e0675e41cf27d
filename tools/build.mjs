// Compiles src/ to dist/, and knows whether dist/ is what src/ compiles to.
//
// Up to date is judged by content, not by time: dist/.fingerprint holds a hash of everything that goes
// into the build. Files are overwritten in place and left-overs swept afterwards, so that two builds at
// once, or a build beside a running server, never meet an empty dist/. Needs TypeScript, nothing else.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stamp = join(dist, '.fingerprint')

/** Packages whose version makes another build. */
const BUILT_WITH = ['typescript', 'rolldown', 'xstate', 'rxjs', 'eventsource-parser']
/** What no source file of its own stands behind. */
const BUNDLES = ['dist/client/windsock-client.js']

/** Whether dist/ was built from exactly the present sources. */
export function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()
}

/** Builds dist/; returns whether that worked. A failed build leaves the previous one standing. */
export function build() {
  const before = fingerprint()
  rmSync(stamp, { force: true })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  if (!existsSync(compiler)) {
    console.error('build: TypeScript is not installed; run `npm ci` first')
    return false
  }
  const { status } = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json', '--noEmitOnError'],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  if (status !== 0 || !bundle()) {
    console.error('build: failed; dist/ holds no finished build of the present sources')
    return false
  }
  sweep()
  const main = join(dist, 'cli/main.js')
  if (existsSync(main)) chmodSync(main, 0o755)
  mkdirSync(dist, { recursive: true })
  writeFileSync(stamp, before)
  return true
}

function bundle() {
  const { status } = spawnSync(process.execPath, [join(root, 'tools/bundle.mjs')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return status === 0
}

function fingerprint() {
  const hash = createHash('sha256')
  const inputs = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'tools/bundle.mjs',
    ...BUILT_WITH.map((name) => `node_modules/${name}/package.json`),
    ...filesIn('src').filter((file) => file.endsWith('.ts')),
  ]
  for (const file of inputs) {
    const path = join(root, file)
    hash
      .update(`${file}\0`)
      .update(existsSync(path) ? readFileSync(path) : '')
      .update('\0')
  }
  return hash.digest('hex')
}

/** Removes what an earlier build left of files that src/ no longer has. */
function sweep() {
  for (const file of filesIn('dist')) {
    if (BUNDLES.includes(file)) continue
    const module = file.replace(/^dist\//, '').replace(/(\.d\.ts|\.js)(\.map)?$/, '')
    if (!existsSync(join(root, 'src', `${module}.ts`))) rmSync(join(root, file))
  }
}

/** Every file under a folder of the project, in a fixed order, as paths with forward slashes. */
function filesIn(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? filesIn(path) : [path]
    })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = build() ? 0 : 1
