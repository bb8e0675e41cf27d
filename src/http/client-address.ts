// Client address: whose request it is, when it came through proxies.
//
// `X-Forwarded-For` can be written by anyone, so it counts only as far as trusted proxies have written it: from its
// right end, over addresses that are trusted, to the first that is not. Whoever stands left of that may have made
// everything up. Without trusted proxies no header changes anything (the default).
// Who connects over a Unix socket has no address, and is called and trusted as in nginx: `unix:`.
// Source: nginx, `set_real_ip_from`.

import { BlockList, isIP } from 'node:net'
import { SettingError, show } from '../protocol/errors.ts'
import { headerValues } from '../protocol/handshake.ts'

/** What stands for the address of a peer on a Unix socket. */
export const UNIX_PEER = 'unix:'

/** Who asks, and whether over TLS, seen from the outermost trusted proxy. */
export interface Client {
  readonly address: string
  readonly secure: boolean
}

/** Decides for one server which proxies are believed. */
export class TrustedProxies {
  readonly #trusted = new BlockList()
  readonly #isEmpty: boolean
  #trustsUnix = false

  /**
   * @param list - addresses and networks, such as `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`; `unix:` for all Unix sockets.
   * @throws SettingError for anything else.
   */
  constructor(list: readonly string[] = []) {
    if (!Array.isArray(list)) throw mistake('is', list)
    for (const entry of list) this.#add(entry)
    this.#isEmpty = list.length === 0
  }

  /**
   * @param peer - the socket's other end, by its address or as `unix:`.
   * @param rawHeaders - names and values in turn, as Node gives them.
   */
  clientOf(peer: string, secure: boolean, rawHeaders: readonly string[]): Client {
    if (this.#isEmpty || !this.#trusts(peer)) return { address: peer, secure }
    const protocol = valuesOf(rawHeaders, 'x-forwarded-proto').at(-1)
    return {
      address: this.#outermost(peer, valuesOf(rawHeaders, 'x-forwarded-for')),
      secure: protocol === undefined ? secure : protocol.toLowerCase() === 'https',
    }
  }

  /** The first address from the right that no trusted proxy has; the last trusted one when there is none to read. */
  #outermost(peer: string, hops: readonly string[]): string {
    let address = peer
    for (let index = hops.length - 1; index >= 0; index--) {
      const hop = addressOf(hops[index] as string)
      if (hop === undefined) return address
      address = hop
      if (!this.#trusts(hop)) return address
    }
    return address
  }

  #trusts(address: string): boolean {
    if (address === UNIX_PEER) return this.#trustsUnix
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }

  #add(entry: unknown): void {
    if (typeof entry !== 'string') throw mistake('has', entry)
    if (entry === UNIX_PEER) {
      this.#trustsUnix = true
      return
    }
    const [address = '', bits, ...more] = entry.split('/')
    const version = isIP(address)
    if (version === 0 || more.length > 0) throw mistake('has', entry)
    const family = version === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) {
      this.#trusted.addAddress(address, family)
      return
    }
    const prefix = Number(bits)
    if (!/^\d{1,3}$/.test(bits) || prefix > (version === 6 ? 128 : 32)) throw mistake('has', entry)
    this.#trusted.addSubnet(address, prefix, family)
  }
}

function mistake(verb: 'is' | 'has', value: unknown): SettingError {
  return new SettingError(
    `trustedProxies ${verb} ${show(value)}: it must be a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"], or "unix:" for Unix sockets`,
  )
}

/** The elements of all headers of one name, in order, without the blanks around them. */
function valuesOf(rawHeaders: readonly string[], lowerCaseName: string): string[] {
  const values = headerValues({ rawHeaders }, lowerCaseName)
  return values.flatMap((value) => value.split(',')).map((element) => element.trim())
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`; `undefined` for anything else. */
function addressOf(hop: string): string | undefined {
  if (isIP(hop) !== 0) return hop
  const bare =
    /^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$/i.exec(hop)?.[1] ??
    /^([\d.]{7,15}):\d{1,5}$/.exec(hop)?.[1]
  return bare !== undefined && isIP(bare) !== 0 ? bare : undefined
}
