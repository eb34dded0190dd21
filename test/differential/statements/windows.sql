-- ranks
SELECT x, row_number() OVER (ORDER BY x, y), rank() OVER (ORDER BY x), dense_rank() OVER (ORDER BY x), percent_rank() OVER (ORDER BY x), cume_dist() OVER (ORDER BY x), ntile(2) OVER (ORDER BY x, y) FROM (VALUES (1, 1), (1, 2), (2, 3), (3, 4)) AS t(x, y) ORDER BY x, y

-- running sums
SELECT n, sum(n) OVER (ORDER BY n), avg(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), count(*) OVER () FROM numbers WHERE n < 6 ORDER BY n

-- partitions
SELECT type, cost, sum(cost) OVER (PARTITION BY type ORDER BY "timestamp") AS running FROM purchases WHERE cost < 10 ORDER BY type, running

-- lag and lead
SELECT n, lag(n) OVER (ORDER BY n), lead(n, 2) OVER (ORDER BY n), lag(n, 1, -1) OVER (ORDER BY n), lead(n, 0) OVER (ORDER BY n) FROM numbers WHERE n < 5 ORDER BY n

-- first, last and nth value
SELECT n, first_value(n) OVER w, last_value(n) OVER w, nth_value(n, 2) OVER w FROM numbers WHERE n < 5 WINDOW w AS (ORDER BY n) ORDER BY n

-- last value of the whole frame
SELECT n, last_value(n) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM numbers WHERE n < 4 ORDER BY n

-- nulls are ignored when asked
SELECT x, y, last_value(y) IGNORE NULLS OVER (ORDER BY x), first_value(y) IGNORE NULLS OVER (ORDER BY x), lag(y) IGNORE NULLS OVER (ORDER BY x) FROM (VALUES (1, NULL), (2, 'a'), (3, NULL), (4, 'b')) AS t(x, y) ORDER BY x

-- ranges by value
SELECT x, sum(x) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND CURRENT ROW), count(*) OVER (ORDER BY x RANGE UNBOUNDED PRECEDING) FROM (VALUES 1, 2, 2, 5) AS t(x) ORDER BY x

-- ranges by interval
SELECT d, count(*) OVER (ORDER BY d RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND CURRENT ROW) FROM (VALUES DATE '2020-01-01', DATE '2020-01-03', DATE '2020-01-10') AS t(d) ORDER BY d

-- groups
SELECT x, sum(x) OVER (ORDER BY x GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2, 2, 5) AS t(x) ORDER BY x

-- nulls sort last in a window
SELECT x, row_number() OVER (ORDER BY x), row_number() OVER (ORDER BY x DESC) FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x

-- a window over a group
SELECT type, count(*) AS n, rank() OVER (ORDER BY count(*) DESC, type) FROM purchases GROUP BY type ORDER BY type

-- a filter by rank
SELECT type, cost FROM (SELECT type, cost, row_number() OVER (PARTITION BY type ORDER BY "timestamp" DESC) AS r FROM purchases) WHERE r = 1 ORDER BY type

-- current members of the guilds
SELECT guild_name, guild_member_cnt FROM (SELECT guild_name, guild_member_cnt, row_number() OVER (PARTITION BY guild_name ORDER BY "timestamp" DESC) AS r FROM guilds WHERE guild_member_cnt IS NOT NULL) WHERE r = 1 ORDER BY guild_name

-- array_agg in a window
SELECT n, array_agg(n) OVER (ORDER BY n ROWS 1 PRECEDING) FROM numbers WHERE n < 4 ORDER BY n

-- windows that build on another
SELECT n, sum(n) OVER (w ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) FROM numbers WHERE n < 4 WINDOW w AS (ORDER BY n) ORDER BY n
