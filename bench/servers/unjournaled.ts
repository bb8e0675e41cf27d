// windsock with its journal off, to measure what a journal costs.

import type { Listen } from './main.ts'
import { listenWith } from './windsock.ts'

export const listen: Listen = () => listenWith({ journalLevel: 'off' })
