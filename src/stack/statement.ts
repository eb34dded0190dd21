/** A statement for a Trino or Presto that has just been started: is it there, and has it these catalogs? */
interface Page {
  nextUri?: string
  error?: { errorName: string; message: string }
}

const STATEMENT_MAX_MS = 30_000

/** Runs a statement to its end; rejects with what the server says against it. Its rows are of no interest here. */
export async function runStatement(
  url: string,
  sql: string,
  protocol: 'trino' | 'presto' = 'trino',
): Promise<void> {
  const headers = { [`x-${protocol}-user`]: 'landfall' }
  const signal = AbortSignal.timeout(STATEMENT_MAX_MS)
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', body: sql, headers, signal })
  for (;;) {
    if (!response.ok) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`)
    const page = (await response.json()) as Page
    if (page.error) throw new Error(`${page.error.errorName}: ${page.error.message}`)
    if (!page.nextUri) return
    response = await fetch(page.nextUri, { headers, signal })
  }
}
