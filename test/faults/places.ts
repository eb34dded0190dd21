/** What a file of a data directory is, by its path: so that a sweep can say what it has met. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^log\/\d+\.log$/, 'log segment'],
  [/^log\/(spare|fresh)/, 'log spare'],
  [/^log\/durable$/, 'log durable'],
  [/^log\/log\.json/, 'log identity'],
  [/^lander\/plan\.json/, 'lander plan'],
  [/^lander\/definitions\//, 'lander definition'],
  [/^lander\/status\.json/, 'lander status'],
  [/^lander\/(scratch|faults|tmp)/, 'lander scratch'],
  [/^spool\/manifest\.json/, 'spool manifest'],
  [/^spool\/chunks\/./, 'spool chunk'],
  [/\/data\/./, 'lake data'],
  [/\/metadata\/snap-/, 'lake manifest list'],
  [/\/metadata\/.*\.avro/, 'lake manifest'],
  [/\/metadata\/v\d+\.metadata\.json/, 'lake metadata'],
  [/\/metadata\/version-hint/, 'lake hint'],
  [/\/metadata\/unreferenced/, 'lake unreferenced'],
  [/^plans\/./, 'tracking plan'],
]

export function placeOf(path: string): string {
  return PLACES.find(([pattern]) => pattern.test(path))?.[1] ?? 'directory'
}
