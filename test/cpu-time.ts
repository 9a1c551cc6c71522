// The processor time of the test's process, for tests of code that must not take time out of proportion. It does not depend
// on what else the machine is doing.

/** In milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
