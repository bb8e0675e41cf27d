// Event source: the reader of event streams as the HTML standard describes it, written from that description alone.
//
// It takes the text in pieces of any size, and knows nothing of what our server writes.
// Source: HTML, "Interpreting an event stream".

export interface ReceivedEvent {
  readonly type: string
  readonly data: string
  readonly lastEventId: string
}

export class EventSourceParser {
  readonly events: ReceivedEvent[] = []
  readonly comments: string[] = []
  retryMs: number | undefined
  lastEventId = ''
  #line = ''
  #data = ''
  #type = ''
  #id = ''
  #afterCr = false
  #atStart = true

  push(text: string): void {
    for (const character of text) {
      if (this.#atStart) {
        this.#atStart = false
        if (character === '\uFEFF') continue
      }
      // A LF after a CR belongs to it, also when it comes in another piece.
      const isSecondHalf = this.#afterCr && character === '\n'
      this.#afterCr = character === '\r'
      if (isSecondHalf) continue
      if (character === '\r' || character === '\n') this.#endLine()
      else this.#line += character
    }
  }

  #endLine(): void {
    const line = this.#line
    this.#line = ''
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) {
      this.comments.push(line.slice(1))
      return
    }
    const field = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data += `${value}\n`
    else if (field === 'id') {
      if (!value.includes('\0')) this.#id = value
    } else if (field === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value)
  }

  #dispatch(): void {
    this.lastEventId = this.#id
    const data = this.#data
    const type = this.#type || 'message'
    this.#data = ''
    this.#type = ''
    if (data === '') return
    this.events.push({ type, data: data.slice(0, -1), lastEventId: this.#id })
  }
}
