// A scrolling list that holds a bounded number of entries and follows the newest one, unless the
// reader has scrolled up to read an older one.

const MAX_ENTRIES = 500
const NEAR = 8

const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' })

export function scrollingLog(list, jumpButton) {
  const scroller = list.parentElement
  let following = true

  const atBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR

  function follow() {
    scroller.scrollTop = scroller.scrollHeight
    following = true
    jumpButton.hidden = true
  }

  scroller.addEventListener('scroll', () => {
    following = atBottom()
    if (following) jumpButton.hidden = true
  })
  // A phone's keyboard or a rotated screen changes the height: stay where the reader was.
  new ResizeObserver(() => following && follow()).observe(scroller)
  jumpButton.addEventListener('click', () => {
    follow()
    scroller.focus()
  })

  list.replaceChildren()

  return {
    /** Adds one entry; `parts` are [class, text] pairs, always written as text. */
    add(kind, parts) {
      const stay = atBottom()
      const entry = document.createElement('li')
      entry.dataset.kind = kind
      entry.dataset.at = clockTime.format(new Date())
      const line = document.createElement('span')
      line.className = 'line'
      for (const [className, text] of parts) {
        const span = document.createElement('span')
        span.className = className
        span.textContent = text
        line.append(span)
      }
      entry.append(line)
      list.append(entry)
      if (list.childElementCount > MAX_ENTRIES) {
        const before = scroller.scrollHeight
        list.firstElementChild.remove()
        if (!stay) scroller.scrollTop -= before - scroller.scrollHeight
      }
      if (stay) follow()
      else jumpButton.hidden = false
    },
  }
}

/** The text to show for a frame: pages speak text, so a binary frame is only named. */
export function frameText(data) {
  return typeof data === 'string' ? data : `(binary frame, ${data.size ?? data.byteLength} bytes)`
}
