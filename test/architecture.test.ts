// The architecture, as rules that fail: which room may import what, and what every file keeps to.
//
// Imports are read as text, so a rule holds also for a file that does not compile yet. A new room
// needs a row in ROOMS before its first file may stand. `.oxlintrc.json` tells the same arrows to
// editors; change both.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

interface Room {
  /** Rooms it may import besides itself; `root` are the files directly in src/. */
  readonly rooms: readonly string[]
  /** Rooms of which it may import types only. */
  readonly typesOf?: readonly string[]
  /** Packages it may import; `node:` stands for every built-in module. */
  readonly packages: readonly string[]
}

const EVERY_ROOM_BELOW_ROOT = [
  'protocol',
  'machines',
  'streams',
  'journal',
  'transport',
  'handlers',
  'http',
]

const ROOMS: Readonly<Record<string, Room>> = {
  protocol: { rooms: [], packages: [] },
  machines: { rooms: ['protocol'], packages: ['xstate'] },
  // A durable topic is a stream of a store; it knows the port, not what is behind it.
  streams: { rooms: ['protocol', 'journal'], packages: ['rxjs'] },
  // Folding a life means stepping the machine.
  journal: { rooms: ['protocol', 'machines'], packages: ['node:', 'libsql'] },
  transport: {
    rooms: ['protocol', 'streams'],
    typesOf: ['handlers', 'http'],
    packages: ['ws', 'node:'],
  },
  handlers: { rooms: ['protocol', 'streams'], packages: ['rxjs', 'xstate'] },
  http: {
    rooms: ['protocol'],
    typesOf: ['handlers'],
    packages: ['node:', 'cookie', 'path-to-regexp'],
  },
  client: {
    rooms: ['protocol', 'machines'],
    packages: ['xstate', 'rxjs', 'ws', 'eventsource-parser'],
  },
  root: { rooms: EVERY_ROOM_BELOW_ROOT, packages: ['rxjs', 'xstate', 'node:'] },
  tornado: {
    rooms: ['root', 'protocol', 'streams', 'journal', 'handlers', 'http'],
    packages: ['rxjs', 'eta', 'node:'],
  },
  testing: {
    rooms: ['root', 'client', 'tornado', ...EVERY_ROOM_BELOW_ROOT],
    packages: ['rxjs', 'xstate', 'ws', 'fast-check', 'node:'],
  },
  cli: {
    rooms: ['root', 'client', 'tornado', 'testing', ...EVERY_ROOM_BELOW_ROOT],
    packages: ['commander', 'rxjs', 'xstate', 'ws', 'node:'],
  },
}

/** What a single file may import beyond its room. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // It lists the public names, and the class form is one of them.
  'index.ts': ['tornado'],
}

/** The public subpaths; no other room has an index. */
const ENTRIES = ['index.ts', 'client/index.ts', 'testing/index.ts', 'tornado/index.ts']

const FORBIDDEN_FOLDERS = ['utils', 'common', 'types', 'helpers', 'lib']
const MAX_LINES = 400

interface Import {
  readonly file: string
  readonly specifier: string
  readonly typeOnly: boolean
}

const project = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, project), 'utf8')
const files = readdirSync(fileURLToPath(new URL('src/', project)), {
  recursive: true,
  encoding: 'utf8',
})
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))
  .sort()
const source = new Map(files.map((file) => [file, read(`src/${file}`)]))
const imports = files.flatMap((file) => importsOf(file, source.get(file) ?? ''))

describe('the arrows between the rooms', () => {
  it('finds the source files', () => {
    expect(files.length).toBeGreaterThan(0)
  })

  it('every room is in the table of rooms', () => {
    expect(files.filter((file) => !ROOMS[roomOf(file)]).map(asRoomless)).toEqual([])
  })

  for (const [name, room] of Object.entries(ROOMS)) {
    it(`${name} imports only ${allowedBy(room)}`, () => {
      const offences = imports
        .filter(({ file }) => roomOf(file) === name)
        .filter((one) => !isAllowed(one, room))
        .map((one) => `src/${one.file}: ${one.specifier} → ${name} imports only ${allowedBy(room)}`)
      expect(offences).toEqual([])
    })
  }

  it('no file comes back to itself, not even for a type', () => {
    // A handler has its application's settings, and among those is a function that is told of handlers: Tornado's own shape.
    const isOfBoth = ({ file, specifier }: (typeof imports)[number]) =>
      file === 'tornado/settings.ts' && specifier === './request-handler.ts'
    const targets = (file: string) =>
      imports
        .filter((one) => one.file === file && one.specifier.startsWith('.') && !isOfBoth(one))
        .map(targetOf)
    const reached = (file: string) => {
      const seen = new Set<string>()
      for (let next = targets(file); next.length > 0; ) {
        const fresh = next.filter((target) => !seen.has(target))
        for (const target of fresh) seen.add(target)
        next = fresh.flatMap(targets)
      }
      return seen
    }
    const offences = files.filter((file) => reached(file).has(file))
    expect(offences.map((file) => `src/${file} → say what it needs as an interface`)).toEqual([])
  })

  it('only the Node environment of the client imports ws', () => {
    const found = imports.filter(({ file }) => roomOf(file) === 'client')
    const withWs = found.filter(({ specifier }) => specifier === 'ws').map(({ file }) => file)
    expect(withWs).toEqual(['client/node-environment.ts'])
  })

  it('every imported package is a dependency or a peer of the published package', () => {
    const { dependencies, peerDependencies } = JSON.parse(read('package.json'))
    const published = Object.keys({ ...dependencies, ...peerDependencies })
    const offences = imports
      .filter(({ specifier }) => packageOf(specifier) !== undefined && !isBuiltIn(specifier))
      .filter(({ specifier }) => !published.includes(packageOf(specifier) ?? ''))
      .map(({ file, specifier }) => `src/${file}: ${specifier} → add it to dependencies or peers`)
    expect(offences).toEqual([])
  })

  it('every relative import names an existing .ts file', () => {
    const offences = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter((one) => !source.has(targetOf(one)))
      .map(({ file, specifier }) => `src/${file}: ${specifier} → no such file in src/`)
    expect(offences).toEqual([])
  })
})

describe('every source file', () => {
  it('begins with a header comment of two lines or more', () => {
    const offences = files
      .filter((file) => !/^(#!.*\n\n?)?\/\/.*\n\/\/.*\n/.test(source.get(file) ?? ''))
      .map((file) => `src/${file} → begin with // lines: what the file owns, what it does not know`)
    expect(offences).toEqual([])
  })

  it(`has at most ${MAX_LINES} lines`, () => {
    const offences = files
      .map((file) => ({ file, lines: (source.get(file) ?? '').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES)
      .map(({ file, lines }) => `src/${file}: ${lines} lines → find the second concept, move it`)
    expect(offences).toEqual([])
  })

  it('exports by name, never by default', () => {
    const offences = files
      .filter((file) => /^export\s+default\b|\bas\s+default\b/m.test(source.get(file) ?? ''))
      .map((file) => `src/${file} → export it by its name`)
    expect(offences).toEqual([])
  })

  it('stands in a folder that says what it is about', () => {
    const offences = files
      .filter((file) => file.split('/').some((part) => FORBIDDEN_FOLDERS.includes(part)))
      .map((file) => `src/${file} → name the folder after its concept`)
    expect(offences).toEqual([])
  })

  it('is imported by its own path: no room has an index, save the public subpaths', () => {
    const offences = files
      .filter((file) => posix.basename(file) === 'index.ts')
      .filter((file) => !ENTRIES.includes(file))
      .map((file) => `src/${file} → import the files behind it directly`)
    expect(offences).toEqual([])
  })
})

describe('the published package', () => {
  it('lists its public names one by one', () => {
    for (const entry of ENTRIES) {
      expect(existsSync(new URL(`src/${entry}`, project)), `src/${entry} exists`).toBe(true)
      expect(source.get(entry), `src/${entry}: write the names out`).not.toMatch(/^export\s*\*/m)
    }
  })

  it('says of each public name what it is, where it is declared', () => {
    const declared = '(?:declare |abstract |async )*(?:class|interface|type|const|function\\*?)'
    const offences = ENTRIES.flatMap((entry) =>
      publicNames(entry).filter(({ name, file }) => {
        const documented = new RegExp(`\\*/\\nexport ${declared} ${name}\\b`)
        return !documented.test(source.get(file) ?? '')
      }),
    )
    expect(offences).toEqual([])
  })

  it('has an entry file in src for every subpath and command', () => {
    const { exports, bin } = JSON.parse(read('package.json'))
    const built = Object.values<string | { default: string }>({ ...exports, ...bin })
      .map((target) => (typeof target === 'string' ? target : target.default))
      .filter((target) => target.endsWith('.js'))
      .map((target) => target.replace(/^(\.\/)?dist\//, '').replace(/\.js$/, '.ts'))
    expect(built.filter((file) => !source.has(file)).map((file) => `src/${file}`)).toEqual([])
  })

  it('depends on nothing that runs a script when it is installed', () => {
    const { packages } = JSON.parse(read('package-lock.json'))
    const offences = Object.keys(packages).filter((path) => packages[path].hasInstallScript)
    expect(offences).toEqual([])
  })

  it('locks versions and checksums, never the address of a registry', () => {
    const lock = read('package-lock.json')
    expect(lock).not.toContain('"resolved"')
    expect(lock).not.toMatch(/"version": "(https?|git)/)
  })
})

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  // A statement begins its line, which an example in a comment does not.
  const statement = /^(?:import|export)\s+(type\s)?(?:[\w$*\s{},]*?\sfrom\s+)?(['"])(.+?)\2/gm
  for (const [, type, , specifier = ''] of text.matchAll(statement)) {
    found.push({ file, specifier, typeOnly: type !== undefined })
  }
  for (const line of text.split('\n')) {
    if (/^\s*(\/\/|\/?\*)/.test(line)) continue
    for (const [, , specifier = ''] of line.matchAll(/\bimport\(\s*(['"])(.+?)\1\s*\)/g)) {
      found.push({ file, specifier, typeOnly: false })
    }
  }
  return found
}

/** The names that a public subpath exports, and the file of each. */
function publicNames(entry: string): { readonly name: string; readonly file: string }[] {
  const text = source.get(entry) ?? ''
  const own = [...text.matchAll(/^export const (\w+)/gm)].map(([, name = '']) => ({
    name,
    file: entry,
  }))
  const others = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '(.+?)'/gm)]
  return own.concat(
    others.flatMap(([, names = '', specifier = '']) =>
      [...names.matchAll(/(?:^|,)\s*(?:type )?(\w+)/g)].map(([, name = '']) => ({
        name,
        file: targetOf({ file: entry, specifier, typeOnly: true }),
      })),
    ),
  )
}

function isAllowed(one: Import, room: Room): boolean {
  const name = packageOf(one.specifier)
  if (name !== undefined) {
    return room.packages.includes(isBuiltIn(one.specifier) ? 'node:' : name)
  }
  const target = roomOf(targetOf(one))
  return (
    target === roomOf(one.file) ||
    room.rooms.includes(target) ||
    (one.typeOnly && (room.typesOf ?? []).includes(target)) ||
    (EXCEPTIONS[one.file] ?? []).includes(target)
  )
}

function allowedBy({ rooms, typesOf = [], packages }: Room): string {
  const named = [...rooms, ...typesOf.map((room) => `types of ${room}`), ...packages]
  return named.length === 0 ? 'itself' : `itself, ${named.join(', ')}`
}

function roomOf(file: string): string {
  const [first = '', ...rest] = file.split('/')
  return rest.length === 0 ? 'root' : first
}

function targetOf({ file, specifier }: Import): string {
  return posix.join(posix.dirname(file), specifier)
}

/** The package a specifier names; `undefined` for a relative one. */
function packageOf(specifier: string): string | undefined {
  return specifier.startsWith('.') ? undefined : /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}

function isBuiltIn(specifier: string): boolean {
  return specifier.startsWith('node:')
}

function asRoomless(file: string): string {
  return `src/${file} → add its room to ROOMS, with the arrows it may have`
}
