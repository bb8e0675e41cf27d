// Provided: a machine of a user's is ours with guards and delays of its own, and with nothing else.
//
// XState takes implementations of any name, and never calls one that nobody asks for: a delay that is misspelt would change
// nothing, and be told by nobody. Actions are data here (docs/adr/0001): the connection performs them, and would not call
// another one.

import { SettingError, show } from '../protocol/errors.ts'
import { suggestion } from '../protocol/setting-names.ts'
import { type ConnectionMachine, connectionMachine } from './connection.ts'

const OURS = connectionMachine.implementations

/**
 * The machine itself.
 *
 * @throws SettingError for what `connectionMachine.provide({ … })` did not make, or made with other names than there are.
 */
export function checkMachine(machine: ConnectionMachine): ConnectionMachine {
  if (machine?.config !== connectionMachine.config) {
    throw new SettingError(
      `machine is ${show(machine)}: it must be connectionMachine.provide({ … }), with guards and delays of your own`,
    )
  }
  const { actions, actors, delays, guards } = machine.implementations
  checkProvided('delay', delays, OURS.delays)
  checkProvided('guard', guards, OURS.guards)
  const others = Object.entries({ ...actions, ...actors }).find(
    ([name, own]) => own !== (OURS.actions as Record<string, unknown>)[name],
  )
  if (others !== undefined) {
    throw new SettingError(
      `machine provides ${show(others[0])}: guards and delays may be your own, and nothing else`,
    )
  }
  return machine
}

function checkProvided(kind: string, provided: object, ours: object): void {
  const known = Object.keys(ours)
  const stray = Object.keys(provided).find((name) => !known.includes(name))
  if (stray === undefined) return
  throw new SettingError(
    `machine provides a ${kind} ${show(stray)}: there is none of that name${suggestion(stray, known)}`,
  )
}
