-- a million rows
SELECT n, word, half, moment FROM numbers

-- aggregates of a million rows
SELECT count(*), sum(n), min(n), max(n), sum(half), avg(n), count(word), count(DISTINCT word), min(moment), max(moment) FROM numbers

-- groups of a million rows
SELECT n % 1000 AS k, count(*), sum(n), max(word) FROM numbers GROUP BY n % 1000 ORDER BY k LIMIT 20

-- many groups
SELECT n / 3, count(*), sum(half) FROM numbers GROUP BY n / 3

-- a join of a million rows
SELECT count(*), sum(a.n) FROM numbers a JOIN numbers b ON a.n = b.n * 2

-- a filter by time
SELECT n FROM numbers WHERE moment BETWEEN TIMESTAMP '2021-01-01 00:01:00 UTC' AND TIMESTAMP '2021-01-01 00:02:00 UTC' ORDER BY n

-- distinct of a million rows
SELECT DISTINCT word FROM numbers

-- the last of a million rows
SELECT n, moment FROM numbers ORDER BY moment DESC LIMIT 5

-- a window over a million rows
SELECT max(r) FROM (SELECT row_number() OVER (PARTITION BY n % 7 ORDER BY n) AS r FROM numbers)

-- expressions on a million rows
SELECT sum(length(word)), sum(year(moment)), count_if(word LIKE '%99'), sum(CAST(half AS bigint)) FROM numbers

-- many strings
SELECT upper(word), length(word) FROM numbers WHERE n < 20000
