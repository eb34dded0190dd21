import { readLanderStatus } from '../lander/status.ts'

/**
 * The lander listens nowhere; its figures are read from `lander/status.json` and shown beside those of the query process, in
 * Prometheus' text format. Empty before the first status.
 */
export async function landerMetrics(directory: string): Promise<string> {
  const status = await readLanderStatus(directory)
  if (status === undefined) return ''
  const total = (name: 'records' | 'landed' | 'dead' | 'duplicate') =>
    Object.values(status.counters).reduce((sum, counts) => sum + counts[name], 0)
  return [
    metric('records_total', 'counter', 'Records of the log that are committed', total('records')),
    metric('landed_total', 'counter', 'Of these: events in the tables', total('landed')),
    metric('dead_total', 'counter', 'Of these: dead letters', total('dead')),
    metric('duplicate_total', 'counter', 'Of these: duplicates', total('duplicate')),
    metric('pending', 'gauge', 'Records taken in and not committed yet', status.pending),
    metric('batch', 'gauge', 'Number of the last committed batch', status.batch),
    metric(
      'committed_timestamp_seconds',
      'gauge',
      'When that was; 0 before the first',
      (status.committedAt ?? 0) / 1000,
    ),
    metric('failing', 'gauge', '1 when something stops or delays landing', status.error === null ? 0 : 1),
  ].join('')
}

function metric(name: string, type: 'counter' | 'gauge', help: string, value: number): string {
  const full = `landfall_lander_${name}`
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${full} ${value}\n`
}
