/** In a process of the benchmarks: answers each message until the parent lets go. */
export async function serve<Ask extends { do: string }, Answer>(
  ready: Answer,
  handle: (message: Ask) => Promise<Answer> | Answer,
  close: () => Promise<void>,
): Promise<void> {
  process.on('message', async (message) => process.send!((await handle(message as Ask)) ?? null))
  process.on('disconnect', () => void close().finally(() => process.exit()))
  process.send!(ready ?? null)
}

/** What `Child.start` was given. */
export function childSettings<T>(): T {
  return JSON.parse(process.argv[2]!) as T
}

/** What all threads of this process have used until now. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
