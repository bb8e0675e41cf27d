// Peers: which other servers can be had on this machine.
//
// Socket.IO and Bun come from the package registry, into a folder of their own (`bench/peers/`, with its own lock file)
// and only when asked for: Bun is a binary of 100 MB, and who works on windsock needs neither. Nothing of them is run to
// install them. Tornado and websockets are the system's packages. Who cannot be had is left out, with a line that says so.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { inPython, NODE_PEERS, onBun, ROOT, SOCKET_IO, type Subject } from './subjects.ts'

const FOLDER = join(ROOT, 'bench/peers')
const PACKAGES = join(FOLDER, 'node_modules')
const INSTALL_LIMIT_MS = 300_000
const PROBE_LIMIT_MS = 20_000
/** Debian's own, which has Debian's packages, before what else is called so. */
const PYTHONS = ['/usr/bin/python3', 'python3']

/** All that can be had; `leaveOut` hears of each that cannot. */
export function findPeers(leaveOut: (line: string) => void): readonly Subject[] {
  const peers = [...NODE_PEERS]
  install()
  if (existsSync(join(PACKAGES, 'socket.io'))) peers.push(SOCKET_IO)
  else leaveOut('Socket.IO is left out: npm could not install it')
  const bun = join(PACKAGES, bunPackage(), 'bin/bun')
  if (runs(bun, ['--version'])) peers.push(onBun(bun))
  else leaveOut('Bun is left out: npm has no binary of it that runs here')
  const scripts = [
    ['Tornado', 'tornado', 'tornado_server.py'],
    ['websockets', 'websockets', 'websockets_server.py'],
  ] as const
  for (const [name, module, file] of scripts) {
    const python = PYTHONS.find((command) => runs(command, ['-c', `import ${module}`]))
    if (python !== undefined) peers.push(inPython(name, python, file))
    else leaveOut(`${name} is left out: no python3 here has it (Debian: python3-${module})`)
  }
  return peers
}

function install(): void {
  // npm writes this file last, so a broken-off install counts as none.
  if (existsSync(join(PACKAGES, '.package-lock.json'))) return
  console.error('installing Socket.IO and Bun into bench/peers/ …')
  spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_LIMIT_MS,
    shell: process.platform === 'win32',
  })
}

function bunPackage(): string {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return `@oven/bun-${system}-${arch}`
}

function runs(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: PROBE_LIMIT_MS }).status === 0
}
