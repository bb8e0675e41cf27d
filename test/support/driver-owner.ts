// Driver owner: one that does nothing of what the machine says, for tests of what was said.

import type { DriverOwner } from '../../src/machines/driver.ts'

export const IDLE_OWNER: DriverOwner = {
  perform: () => {},
  stepped: () => {},
  failure: (thrown) => {
    throw thrown
  },
}
