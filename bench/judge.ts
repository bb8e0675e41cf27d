// Judge: what the rounds of a case come to, row by row, and whether a row meets its floor and its goal.
//
// A row is one subject's figure in one aspect of a case, beside the same round's figure of whom it is compared with.
// Figures are compared round by round and only then put together, so that what the machine did to a round falls out.

import { type Case, type Demand, FORM_DEMAND, type Measure } from './cases.ts'
import type { Round, Sample } from './measure.ts'
import { median, type Spread, spread } from './spread.ts'
import { FORMS, NET, type Subject, WINDSOCK } from './subjects.ts'

/** How a figure is compared: as a ratio, as a difference, or with itself at the smallest size. */
export type Comparison = 'ratio' | 'difference' | 'growth'

export interface Row {
  /** The case, and the aspect where it has several. */
  readonly name: string
  readonly subject: string
  /** Its own figure: per CPU second, microseconds, KiB; in a growth the ratio of sizes. Median over the rounds. */
  readonly value: number
  readonly unit: '/CPU s' | 'µs' | 'KiB' | '×'
  readonly comparison: Comparison
  /** Whom it is compared with; empty when with nobody. */
  readonly against: string
  readonly compared: Spread | undefined
  readonly lessIsBetter: boolean
  readonly floor: number | undefined
  readonly goal: number | undefined
  /** Medians over the rounds; 0 where nothing was sent. */
  readonly perSecond: number
  readonly serverCpu: number
  readonly loadCpu: number
}

/** One thing that is read off a case's samples. */
interface Aspect {
  readonly label: string
  readonly unit: Row['unit']
  readonly comparison: Comparison
  readonly lessIsBetter: boolean
  readonly judged: boolean
  /** Whom all are compared with, when it is not the first. */
  readonly against?: Subject
  /** Of the samples of one subject in one round; undefined when it has no such figure. */
  readonly read: (samples: readonly Sample[], subject: Subject) => number | undefined
}

export function rowsOf(
  one: Case,
  subjects: readonly Subject[],
  rounds: readonly Round[],
  isJudged: boolean,
): readonly Row[] {
  const [base] = subjects
  const forms = FORMS.filter((form) => subjects.includes(form))
  const others = subjects.filter((subject) => !isOfForm(subject))
  return ASPECTS[one.measure].flatMap((aspect) => {
    const rowsOfOne = (subject: Subject, against: Subject | undefined, demand?: Demand) => {
      const rival = against?.name === subject.name ? undefined : against
      const row = rowOf(one, aspect, subject, rival, rounds)
      if (row === undefined) return []
      return [isJudged && aspect.judged ? { ...row, ...demand } : row]
    }
    return [
      ...others.flatMap((subject) => {
        const demand = subject === WINDSOCK ? one.demand : undefined
        return rowsOfOne(subject, aspect.against ?? base, demand)
      }),
      ...forms.flatMap((form) => [
        ...rowsOfOne(form, WINDSOCK),
        ...rowsOfOne(form, form.byHand, FORM_DEMAND),
      ]),
    ]
  })
}

function isOfForm(subject: Subject): boolean {
  return FORMS.some((form) => subject === form || subject === form.byHand)
}

export function meets(row: Row, demand: keyof Demand): boolean | undefined {
  const limit = row[demand]
  if (limit === undefined || row.compared === undefined) return undefined
  return row.lessIsBetter ? row.compared.median <= limit : row.compared.median >= limit
}

function rowOf(
  one: Case,
  aspect: Aspect,
  subject: Subject,
  against: Subject | undefined,
  rounds: readonly Round[],
): Row | undefined {
  const figures = rounds.map((round) => aspect.read(round.get(subject.name) ?? [], subject))
  const own = figures.filter((figure) => figure !== undefined)
  if (own.length === 0) return undefined
  const samples = rounds.flatMap((round) => round.get(subject.name)?.at(-1) ?? [])
  return {
    name: aspect.label === '' ? one.name : `${one.name}: ${aspect.label}`,
    subject: subject.name,
    value: median(own),
    unit: aspect.unit,
    comparison: aspect.comparison,
    against: aspect.comparison === 'growth' ? '' : (against?.name ?? ''),
    compared: compared(aspect, against, figures, rounds),
    lessIsBetter: aspect.lessIsBetter,
    floor: undefined,
    goal: undefined,
    perSecond: median(samples.map((sample) => sample.perSecond)),
    serverCpu: median(samples.map((sample) => sample.serverCpu)),
    loadCpu: median(samples.map((sample) => sample.loadCpu)),
  }
}

function compared(
  { comparison, read }: Aspect,
  against: Subject | undefined,
  figures: readonly (number | undefined)[],
  rounds: readonly Round[],
): Spread | undefined {
  const values = rounds.flatMap((round, index) => {
    const own = figures[index]
    if (own === undefined) return []
    if (comparison === 'growth') return [own]
    if (against === undefined) return []
    const other = read(round.get(against.name) ?? [], against)
    if (other === undefined) return []
    return [comparison === 'ratio' ? own / other : own - other]
  })
  return values.length === 0 ? undefined : spread(values)
}

/** How many times `first` the cost at the largest size is. */
function growth(samples: readonly Sample[], cost: (sample: Sample) => number | undefined) {
  const [first, ...more] = samples.map(cost)
  const last = more.at(-1)
  return first === undefined || last === undefined ? undefined : last / first
}

const ASPECTS: Readonly<Record<Measure, readonly Aspect[]>> = {
  perCpuSecond: [
    {
      label: '',
      unit: '/CPU s',
      comparison: 'ratio',
      lessIsBetter: false,
      judged: true,
      read: ([sample]) => sample?.perCpuSecond,
    },
  ],
  p99: [
    {
      label: '',
      unit: 'µs',
      comparison: 'ratio',
      lessIsBetter: true,
      judged: true,
      read: ([sample]) => sample?.latency?.p99,
    },
    {
      label: 'median',
      unit: 'µs',
      comparison: 'ratio',
      lessIsBetter: true,
      judged: false,
      read: ([sample]) => sample?.latency?.p50,
    },
  ],
  heap: [
    {
      label: 'heap',
      unit: 'KiB',
      comparison: 'difference',
      lessIsBetter: true,
      judged: true,
      read: ([sample], { hasHeap }) => (hasHeap ? sample?.connection?.heapKib : undefined),
    },
    {
      label: 'resident',
      unit: 'KiB',
      comparison: 'difference',
      lessIsBetter: true,
      judged: false,
      read: ([sample]) => sample?.connection?.residentKib,
    },
  ],
  growth: [
    {
      label: 'CPU of a message',
      unit: '×',
      comparison: 'ratio',
      lessIsBetter: true,
      judged: true,
      // What grows there are the kernel's work and the misses of the caches.
      against: NET,
      read: (samples) => growth(samples, (sample) => 1 / sample.perCpuSecond),
    },
    {
      label: 'CPU of an opening',
      unit: '×',
      comparison: 'growth',
      lessIsBetter: true,
      judged: true,
      read: (samples) => {
        return growth(
          samples,
          ({ connection }) => connection && 1 / connection.openingsPerCpuSecond,
        )
      },
    },
    {
      label: 'heap of a connection',
      unit: '×',
      comparison: 'growth',
      lessIsBetter: true,
      judged: true,
      read: (samples) => growth(samples, ({ connection }) => connection?.heapKib),
    },
  ],
}
