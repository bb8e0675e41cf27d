// Checks the package as its users get it: packed, weighed, linted, installed into an empty project,
// run, and type-checked.
//
//   npm run pack:check
//
// Needs a build, but no network: what the package depends on is installed from this project's own
// node_modules. Everything happens in a temporary folder, which is removed afterwards.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const EXPECTED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/client/index.js',
  'dist/client/windsock-client.js',
  'dist/testing/index.js',
  'dist/cli/main.js',
  'src/index.ts',
]
const ALLOWED =
  /^(dist|src|demo|docs|examples)\/|^(package\.json|LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md)$/

/** A link from one page to what stands beside it. */
const LINK = /\]\((?!https?:|#)([^)#\s]+)/g

const CONSUMER_JS = `
import { map } from 'rxjs'
import WebSocket from 'ws'
import { route, serve, topic, topics } from 'windsock'
import { connect } from 'windsock/client'
import * as testing from 'windsock/testing'

if (Object.keys(testing).length === 0) throw new Error('windsock/testing exports nothing')
const echo = route('/echo', (connection) => connection.messages$.pipe(map((m) => \`You said: \${m}\`)))
const news = topic('news', { history: { count: 10 } })
const server = await serve({ port: 0, routes: [echo, topics('/topics', [news])] })
const socket = new WebSocket(new URL('/echo', String(server.url).replace(/^http/, 'ws')))
const answer = await new Promise((resolve, reject) => {
  socket.on('open', () => socket.send('hello')).on('error', reject)
  socket.on('message', (data) => resolve(String(data)))
})
socket.close()
const client = connect(new URL('/topics', server.url))
const first = new Promise((resolve) => client.topic('news', { last: 1 }).messages$.subscribe(resolve))
news.publish('good')
const { data } = await first
await client.close()
await server.close()
if (data !== 'good') throw new Error(\`the topic said \${data}\`)
if (answer !== 'You said: hello') throw new Error(\`the echo answered \${answer}\`)
`

const CONSUMER_TS = `
import { map } from 'rxjs'
import { route, serve, topic, WebSocketHandler } from 'windsock'
import { type ClientState, connect } from 'windsock/client'
import * as testing from 'windsock/testing'

class Echo extends WebSocketHandler {
  override async onMessage(message: string | Uint8Array): Promise<void> {
    await this.writeMessage(message)
  }
}

export const prices = topic<string>('prices')
export const server = await serve({
  port: 0,
  routes: [
    route('/echo', (connection) => connection.messages$.pipe(map((m) => \`You said: \${m}\`))),
    route('/class/:name', Echo),
  ],
})
export const kit = testing
export const client = connect(server.url)
export const state: ClientState = client.state
export const said: Promise<{ offset: number }> = client.topic<string>('chat').publish('hello')
await server.close()
`

const CONSUMER_TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    // The declarations of the package are checked as well.
    skipLibCheck: false,
    types: ['node'],
  },
  files: ['consumer.ts'],
}

function main(temporary) {
  const tarball = step('npm pack', () => pack(temporary))
  step('the client is small', () =>
    console.log(run(process.execPath, [join(root, 'tools/client-size.mjs')], root).trim()),
  )
  step('publint', () => tool('publint/src/cli.js', ['run', tarball, '--strict']))
  step('are the types wrong', () =>
    tool(
      '@arethetypeswrong/cli/dist/index.js',
      [tarball].concat('--profile esm-only --no-definitely-typed --format ascii'.split(' ')),
    ),
  )
  const consumer = step('install into an empty project', () => install(temporary, tarball))
  step('a JavaScript consumer runs', () => {
    writeFileSync(join(consumer, 'consumer.mjs'), CONSUMER_JS)
    run(process.execPath, ['consumer.mjs'], consumer)
  })
  step('the command starts', () => {
    const command = join(consumer, 'node_modules', manifest.name, manifest.bin[manifest.name])
    run(process.execPath, [command, '--help'], consumer)
  })
  step('a TypeScript consumer compiles', () => {
    writeFileSync(join(consumer, 'consumer.ts'), CONSUMER_TS)
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(CONSUMER_TSCONFIG))
    run(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', '.'], consumer)
  })
}

/** Packs the project, and holds the list of files against what belongs in it. */
function pack(temporary) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', temporary]
  const [{ filename, files, size }] = JSON.parse(npm(args, root))
  const paths = files.map(({ path }) => path)
  const missing = EXPECTED.filter((path) => !paths.includes(path))
  const stray = paths.filter((path) => !ALLOWED.test(path))
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`)
  if (stray.length > 0) throw new Error(`the package should not hold ${stray.join(', ')}`)
  const dead = paths
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => deadLinks(path, paths))
  if (dead.length > 0)
    throw new Error(`what is linked to is not in the package: ${dead.join(', ')}`)
  console.log(`${paths.length} files, ${Math.ceil(size / 1024)} KiB packed`)
  return join(temporary, filename)
}

/** What a page links to that is not there. */
function deadLinks(page, paths) {
  const links = [...readFileSync(join(root, page), 'utf8').matchAll(LINK)]
  return links
    .map(([, link]) => posix.join(posix.dirname(page), link))
    .filter((target) => !paths.includes(target))
    .map((target) => `${target} (${page})`)
}

/** Installs the tarball and all it needs, as copies of what is installed here. */
function install(temporary, tarball) {
  const folder = mkdtempSync(join(temporary, 'consumer-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const needed = closure([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    '@types/node',
  ])
  const install = 'install --offline --ignore-scripts --install-links --no-package-lock'.split(' ')
  npm([...install, ...needed.values(), tarball], folder)
  return folder
}

/** Where these packages are installed for one in `folder`, and, through their own dependencies, all that they need. */
function closure(names, folder = root, found = new Map()) {
  for (const name of names) {
    if (found.has(name)) continue
    // Its own, where another version stands beside it; that would be asked for over the network.
    const own = join(folder, 'node_modules', name)
    const place = existsSync(own) ? own : join(modules, name)
    found.set(name, place)
    const { dependencies = {} } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
    closure(Object.keys(dependencies), place, found)
  }
  return found
}

function step(title, action) {
  const started = performance.now()
  try {
    const result = action()
    console.log(`✓ ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
    return result
  } catch (error) {
    throw new Error(`${title}: ${error.message}`, { cause: error })
  }
}

function tool(path, args) {
  return run(process.execPath, [join(modules, path), ...args], root)
}

function npm(args, cwd) {
  const npmCli = process.env.npm_execpath
  return /npm-cli\.c?js$/.test(npmCli ?? '')
    ? run(process.execPath, [npmCli, ...args], cwd)
    : run('npm', args, cwd)
}

/** Runs a command to its end and returns what it printed; throws with all its output when it fails. */
function run(command, args, cwd) {
  const done = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    // `npm run` hands its settings down; a consumer has none of them.
    env: Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key))),
  })
  if (done.status === 0) return done.stdout
  const why = done.error ? done.error.message : `ended with status ${done.status}`
  throw new Error([why, done.stdout, done.stderr].filter(Boolean).join('\n'))
}

const temporary = mkdtempSync(join(tmpdir(), 'windsock-pack-'))
try {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('build first: npm run build')
  main(temporary)
} catch (error) {
  console.error(`✗ pack:check: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
