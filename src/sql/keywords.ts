/** What a person who types a statement may want completed, beside names of tables and columns. */
export const KEYWORDS: readonly string[] =
  `SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT FULL INNER CROSS ON USING AS AND OR NOT IN IS
  NULL LIKE BETWEEN CASE WHEN THEN ELSE END DISTINCT UNION ALL EXCEPT INTERSECT WITH VALUES CAST ASC DESC OVER PARTITION SHOW TABLES
  SCHEMAS CATALOGS COLUMNS DESCRIBE EXPLAIN USE count sum avg min max date_trunc approx_distinct lower upper coalesce row_number`
    .trim()
    .split(/\s+/)
