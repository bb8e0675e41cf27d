// Rooms: the parts that are pure rules, and the tests that hold each of them by themselves.
//
// Nothing here touches a socket or a file, so a room's own tests can be asked for everything: all its lines and branches
// (`npm run coverage:rooms`), and to notice when a rule is changed (`npm run test:mutation`). They are the unit tests
// alone, which draw nothing by chance: the answer is the same each time, in seconds. The properties come on top.

export interface Room {
  readonly sources: readonly string[]
  readonly tests: readonly string[]
}

export const ROOMS: Readonly<Record<string, Room>> = {
  protocol: {
    sources: ['src/protocol/*.ts'],
    tests: ['test/unit/protocol/*.test.ts'],
  },
  machines: {
    sources: ['src/machines/*.ts'],
    tests: ['test/unit/machines/*.test.ts'],
  },
  fold: {
    sources: ['src/journal/{events,fold,life-story}.ts'],
    tests: ['test/unit/journal/{events,fold,life-story}.test.ts'],
  },
}
