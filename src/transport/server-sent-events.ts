// Server-sent events: how an event is written, so that no data can pass for a line of ours.
//
// Wherever a reader sees the end of a line (CR, LF, or both) a new `data:` begins; it puts a LF where each was. Names
// and ids are ours and hold none.
// Source: HTML, "Server-sent events".

/** What proxies see while there is nothing to say; readers leave it out. */
export const COMMENT = ':\n\n'

/** One event; `lines` come from `dataLines`. */
export function event(name: string, lines: string, id?: string): string {
  return `${id === undefined ? '' : `id:${id}\n`}event: ${name}\n${lines}\n`
}

/** Data of anybody's, as lines of an event. */
export function dataLines(data: string): string {
  return data
    .split(/\r\n|\r|\n/)
    .map(dataLine)
    .join('')
}

/** A reader drops one space after the colon, so a line that begins with one is given another. */
function dataLine(line: string): string {
  return line.startsWith(' ') ? `data: ${line}\n` : `data:${line}\n`
}
