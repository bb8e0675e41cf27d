// Request target: what the first line of a request asks for (RFC 9112 §3.2).
//
// Total: any text has a path, which is the text itself where it is no target at all.

/** The path of a request target, still percent-encoded; an absolute target (RFC 9112 §3.2.2) gives its path too. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  const target = end < 0 ? url : url.slice(0, end)
  if (target.startsWith('/')) return target
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(target)
  return absolute === null ? target : (absolute[1] ?? '/')
}

/** As `pathOf`, for who keeps it for long: a slice of the target would keep all of it. */
export function ownPathOf(url: string): string {
  const path = pathOf(url)
  return path.length === url.length ? path : Buffer.from(path).toString()
}
