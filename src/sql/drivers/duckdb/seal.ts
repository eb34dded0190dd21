/** What every DuckDB instance here is locked down with, beneath the check of statements. */

/** Options at the opening of an instance. */
export const SEALED_CONFIG = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  allow_unsigned_extensions: 'false',
} as const

/** Binding costs the cube of the depth: 900 nested calls take 15 s, 200 take 0.2 s. */
export const EXPRESSION_DEPTH_MAX = 200
