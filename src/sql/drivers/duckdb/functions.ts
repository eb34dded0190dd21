/**
 * DuckDB's functions that a translated statement may call: those that the dialect's rules write, which compute a value from their
 * arguments. A user's own names never come here (`dialect/functions/functions.ts` says what those mean); this list is what holds
 * if a rule were wrong. What reads files, settings, the environment, the catalog or other queries, sleeps, or writes is not here,
 * and a function that a later DuckDB brings is not allowed until someone adds it.
 */
const OPERATORS = `+ - * / // % & | ~ ~~ !~~ || ->`

const NUMBERS = `abs acos asin atan atan2 bit_count cbrt ceil cos cosh degrees exp floor greatest isfinite isinf isnan least ln log10
  log2 pi pow radians random round sign signbit sin sinh sqrt tan tanh trunc xor << >>`

const TEXTS = `chr concat decode encode from_base64 from_hex hamming hex left length levenshtein like_escape not_like_escape lower lpad ltrim
  md5 nfc_normalize octet_length regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace replace reverse
  rpad rtrim sha1 sha256 split_part starts_with string_split string_split_regex strpos substr to_base to_base64 translate trim
  unhex unicode upper url_decode url_encode gen_random_uuid`

const TIMES = `date_part date_sub date_trunc epoch epoch_ms epoch_us last_day make_timestamp now strftime strptime timezone to_days to_hours
  to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years`

const COLLECTIONS = `array_extract array_slice array_to_string cardinality flatten generate_series len list_append list_concat list_contains
  list_distinct list_filter list_has_any list_intersect list_max list_min list_position list_prepend list_reduce list_reverse
  list_slice list_sort list_transform list_value list_zip map map_concat map_contains map_entries map_extract_value
  map_from_entries map_keys map_values struct_extract struct_extract_at struct_pack unnest`

const JSON_TEXTS = `json json_array_length json_exists json_extract json_extract_string json_keys json_object json_type json_valid to_json`

const OTHER = `coalesce nullif row`

const AGGREGATES = `any_value arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last avg bit_and bit_or bit_xor bool_and
  bool_or corr count count_if count_star covar_pop covar_samp geomean grouping histogram kurtosis list max min quantile_disc
  regr_intercept regr_slope skewness stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance`

const WINDOWS = `cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number`

function names(...lists: string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.trim().split(/\s+/)))
}

export const ALLOWED_FUNCTIONS = names(
  OPERATORS,
  NUMBERS,
  TEXTS,
  TIMES,
  COLLECTIONS,
  JSON_TEXTS,
  OTHER,
  AGGREGATES,
  WINDOWS,
)

/** Functions that may stand in FROM: none, what Trino has there is written in other ways. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set()

/** Functions that repeat a text, and which argument says how often: it must stand there as a number of at most this. */
export const GROWING_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ['lpad', 1],
  ['rpad', 1],
])
export const GROWTH_MAX = 10_000
