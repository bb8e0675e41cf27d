// Checker: whether what a population took is what was published, told from diaries and ledger alone.
//
// It shares no code with what it checks. A reader's diary is read twice at once: as what the server sent, which has no
// hole and no repetition between the places that were named, and as what the reader took, which is everything of the
// ledger once and in order, but for what it was told is gone. And what it was told has to be true: nothing that the
// store kept may be called lost.

import type { Diary, Entry, Truth } from './diary.ts'
import type { Ledger } from './ledger.ts'
import { type From, isPlace, type Place, type Way, wordOf } from './place.ts'

export interface Finding {
  /** `false`: a loss was announced that was none, or an announcement said what is not so. */
  readonly kind: 'lost' | 'repeated' | 'altered' | 'false' | 'odd'
  readonly who: string
  readonly text: string
  /** How many messages it is about. */
  readonly count: number
}

/** What a publisher was told of one message. */
export interface Acknowledged {
  readonly publisher: string
  readonly text: string
  readonly epoch: string
  /** `undefined` for a message of an array, of which only the last one's place is told. */
  readonly offset: number | undefined
}

export interface Verdict {
  readonly findings: readonly Finding[]
  readonly taken: number
  readonly gaps: number
  /** Of the gaps, those that came while it was reading. */
  readonly gapsInStream: number
  /** From which way to which, for each time that a reader came back; the same way twice where it did not change. */
  readonly resumes: readonly (readonly [Way, Way])[]
}

/** Judges one reader, who has everything up to `end`. */
export function judgeReader(diary: Diary, ledger: Ledger, end: Place): Verdict {
  return new ReaderCheck(diary, ledger).judge(end)
}

class ReaderCheck {
  readonly #diary: Diary
  readonly #ledger: Ledger
  readonly #findings: Finding[] = []
  readonly #resumes: [Way, Way][] = []
  /** It has everything up to here, or was told; `undefined` before it began, and once it was told to begin again. */
  #at: Place | undefined
  /** The last offset that the server accounted for in this answer. */
  #wire: Place | undefined
  #taken = 0
  #gaps = 0
  #gapsInStream = 0

  constructor(diary: Diary, ledger: Ledger) {
    this.#diary = diary
    this.#ledger = ledger
  }

  judge(end: Place): Verdict {
    for (const entry of this.#diary.entries) this.#read(entry)
    if (this.#at?.epoch !== end.epoch) {
      this.#find('lost', `ends at ${tell(this.#at)}, and the log is ${tell(end)}`, end.offset)
    } else if (this.#at.offset !== end.offset) {
      const missing = end.offset - this.#at.offset
      this.#find('lost', `ends at ${tell(this.#at)}, and the log at ${tell(end)}`, missing)
    }
    return {
      findings: this.#findings,
      taken: this.#taken,
      gaps: this.#gaps,
      gapsInStream: this.#gapsInStream,
      resumes: this.#resumes,
    }
  }

  #read(entry: Entry): void {
    switch (entry.kind) {
      case 'begins':
        this.#came(entry)
        return entry.loss === undefined ? this.#begins(entry) : this.#beginsElsewhere(entry)
      case 'item':
        return this.#item(entry)
      case 'gap':
        return this.#gap(entry)
      case 'warned':
        // It counts when whoever comes back is refused.
        this.#gapsInStream++
        return this.#gone(entry.reason, this.#wire, entry.to.offset, entry.truth)
      case 'refused':
        this.#came(entry)
        return this.#refused(entry)
      case 'stands':
        if (tell(entry.at) === tell(this.#wire)) return
        return this.#find('odd', `is told ${tell(entry.at)}, and has ${tell(this.#wire)}`)
      case 'odd':
        return this.#find('odd', entry.text)
    }
  }

  #came({ way, resumes }: { way: Way; resumes: Way | undefined }): void {
    if (resumes !== undefined) this.#resumes.push([resumes, way])
  }

  #begins({ from, epoch, after, truth }: Extract<Entry, { kind: 'begins' }>): void {
    const begun = { epoch, offset: after }
    if (epoch !== truth.epoch) {
      this.#find('odd', `is told epoch ${epoch}, and it is ${truth.epoch}`)
    }
    if (isPlace(from)) {
      const missing = from.epoch === epoch ? Math.max(0, after - from.offset) : after
      if (tell(from) !== tell(begun)) {
        this.#find('lost', `asked from ${tell(from)}, and ${tell(begun)} it is, silently`, missing)
      }
      // Places of another epoch count something else: they are gone on from only when it was told so.
      if (this.#at === undefined) this.#at = begun
    } else {
      if (from === 'start' && after > truth.floor) {
        this.#find('lost', `asked for all, and gets what is after ${after}`, after - truth.floor)
      }
      this.#at = begun
    }
    this.#wire = begun
  }

  #beginsElsewhere({ from, epoch, after, loss, truth }: Extract<Entry, { kind: 'begins' }>): void {
    this.#gaps++
    this.#loss(from, loss, truth)
    if (epoch !== truth.epoch) {
      this.#find('odd', `is told epoch ${epoch}, and it is ${truth.epoch}`)
    }
    if (after > truth.floor) {
      this.#find('false', `begins after ${after}, and more is kept`, after - truth.floor)
    }
    this.#wire = { epoch, offset: after }
    this.#has(this.#wire)
  }

  #item({ offset, data, taken }: Extract<Entry, { kind: 'item' }>): void {
    const { epoch, offset: last } = this.#wire ?? { epoch: '', offset: 0 }
    const place = { epoch, offset }
    if (offset <= last) this.#find('repeated', `is sent ${tell(place)} after ${last}`)
    if (offset > last + 1) {
      this.#find('lost', `is sent ${tell(place)} after ${last}, silently`, offset - last - 1)
    }
    this.#wire = place
    if (data !== this.#ledger.textAt(place)) {
      this.#find('altered', `is sent something else at ${tell(place)}`)
    }
    const had = this.#at !== undefined && offset <= this.#at.offset
    if (!taken) {
      if (!had) this.#find('lost', `leaves ${tell(place)}, which it has not`)
      return
    }
    this.#taken++
    if (had) this.#find('repeated', `takes ${tell(place)} again`)
    else this.#at = place
  }

  #gap({ to, reason, truth }: Extract<Entry, { kind: 'gap' }>): void {
    this.#gaps++
    this.#gapsInStream++
    this.#gone(reason, this.#wire, to, truth)
    const { epoch } = this.#wire ?? truth
    this.#wire = { epoch, offset: to }
    this.#has(this.#wire)
  }

  #refused({ from, reason, oldest, truth }: Extract<Entry, { kind: 'refused' }>): void {
    this.#gaps++
    this.#loss(from, reason, truth)
    if (oldest.epoch !== truth.epoch || oldest.offset > truth.floor) {
      this.#find('false', `is told ${tell(oldest)} as the oldest, and more is kept`)
    }
    this.#at = undefined
    this.#wire = undefined
  }

  /** What it has already it does not lose by being told of what is gone before. */
  #has(place: Place): void {
    const isAhead = this.#at?.epoch === place.epoch && this.#at.offset > place.offset
    if (!isAhead) this.#at = place
  }

  /** Between two places nothing may be called gone that the store keeps. */
  #gone(reason: string, after: Place | undefined, to: number, truth: Truth): void {
    if (reason !== 'trimmed') this.#find('false', `is told of a gap, ${reason}`)
    if (after !== undefined && to <= after.offset) {
      this.#find('false', `is told of a gap up to ${to}, and has ${tell(after)}`)
    }
    if (to > truth.floor) {
      this.#find('false', `is told of a gap up to ${to}, and more is kept`, to - truth.floor)
    }
  }

  #loss(from: From, reason: string | undefined, truth: Truth): void {
    const isOther = isPlace(from) && from.epoch !== truth.epoch
    const isTrimmed = isPlace(from) && !isOther && from.offset < truth.floor
    // It stood where the log ended when it asked, and that may be gone by now.
    if (from === 'now' && reason === 'trimmed') return
    const really = isOther ? 'epoch' : isTrimmed ? 'trimmed' : 'no loss'
    if (reason === really) return
    this.#find('false', `asked from ${tell(from)} and is told ${reason}: it is ${really}`)
  }

  #find(kind: Finding['kind'], text: string, count = 1): void {
    this.#findings.push({ kind, who: this.#diary.reader, text, count })
  }
}

/** Judges what publishers were told: each message stands once in its log, where they were told. */
export function judgePublishers(told: readonly Acknowledged[], ledger: Ledger): Finding[] {
  const findings: Finding[] = []
  const find = (kind: Finding['kind'], who: string, text: string) =>
    findings.push({ kind, who, text, count: 1 })
  const offsets = new Map<string, Map<string, number>>()
  for (const epoch of ledger.epochs) {
    const ofEpoch = new Map<string, number>()
    offsets.set(epoch, ofEpoch)
    for (const [index, text] of ledger.textsOf(epoch).entries()) {
      const before = ofEpoch.get(text)
      const place = `${epoch}/${index + 1}`
      if (before !== undefined) find('repeated', 'the store', `${place} stood at ${before} already`)
      ofEpoch.set(text, index + 1)
    }
  }
  for (const { publisher, text, epoch, offset } of told) {
    const found = offsets.get(epoch)?.get(text)
    if (found === undefined) find('lost', publisher, `was told that ${name(text)} is in ${epoch}`)
    else if (offset !== undefined && offset !== found) {
      find('false', publisher, `was told ${offset} for ${name(text)}, which stands at ${found}`)
    }
  }
  for (const text of ledger.oddities) find('odd', 'the store', text)
  return findings
}

function name(text: string): string {
  return text.split(' ', 1)[0] as string
}

function tell(from: From | undefined): string {
  return from === undefined ? 'nothing' : wordOf(from).replace(/_0*(?=\d)/, '/')
}
