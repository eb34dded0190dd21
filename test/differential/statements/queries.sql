-- inner join
SELECT a.id, b.id FROM every_type a JOIN every_type b ON a.small = b.small WHERE a.id < b.id

-- left join
SELECT t.x, u.y FROM (VALUES 1, 2, NULL) AS t(x) LEFT JOIN (VALUES (1, 'a'), (3, 'c')) AS u(x, y) ON t.x = u.x

-- right and full join
SELECT t.x, u.y FROM (VALUES 1, 2) AS t(x) RIGHT JOIN (VALUES (1, 'a'), (3, 'c')) AS u(x, y) ON t.x = u.x UNION ALL SELECT t.x, u.y FROM (VALUES 1, 2) AS t(x) FULL OUTER JOIN (VALUES (1, 'a'), (3, 'c')) AS u(x, y) ON t.x = u.x

-- join using
SELECT x, a, b FROM (VALUES (1, 'a')) AS t(x, a) JOIN (VALUES (1, 'b')) AS u(x, b) USING (x)

-- all columns of a join using
SELECT * FROM (VALUES (1, 'a')) AS t(x, a) JOIN (VALUES (1, 'b')) AS u(x, b) USING (x)

-- all columns of each side
SELECT t.*, u.* FROM (VALUES (1, 'a')) AS t(x, a) CROSS JOIN (VALUES (2, 'b')) AS u(x, b)

-- columns by new names
SELECT t.* AS (p, q) FROM (VALUES (1, 'a')) AS t(x, a)

-- cross join by comma
SELECT a.x, b.y FROM (VALUES 1, 2) AS a(x), (VALUES 'p', 'q') AS b(y) ORDER BY 1, 2

-- join on an inequality
SELECT t.x, u.x FROM (VALUES 1, 2, 3) AS t(x) JOIN (VALUES 1, 2, 3) AS u(x) ON t.x < u.x

-- lateral
SELECT t.x, u.y FROM (VALUES 1, 2) AS t(x) CROSS JOIN LATERAL (SELECT t.x * 10 AS y) AS u

-- tables of the game joined
SELECT p."Host", count(*) AS pairs FROM purchases p JOIN guilds g ON p."Host" = g."Host" AND p."timestamp" = g."timestamp" GROUP BY p."Host" ORDER BY 1

-- union removes duplicates
SELECT x FROM (VALUES 1, 1, NULL, NULL) AS t(x) UNION SELECT 2

-- union all and types
SELECT 1 UNION ALL SELECT 2.5 UNION ALL SELECT NULL

-- intersect and except
SELECT x FROM (VALUES 1, 2, 2, NULL) AS t(x) INTERSECT SELECT x FROM (VALUES 2, NULL) AS u(x)

-- except
SELECT x FROM (VALUES 1, 2, 2, NULL) AS t(x) EXCEPT SELECT x FROM (VALUES 2) AS u(x)

-- intersect all and except all
SELECT x FROM (VALUES 1, 2, 2, 2) AS t(x) EXCEPT ALL SELECT x FROM (VALUES 2) AS u(x)

-- intersect binds tighter than union
SELECT 1 UNION SELECT 2 INTERSECT SELECT 3

-- a scalar subquery
SELECT (SELECT max(cost) FROM purchases), (SELECT id FROM empty), 1 + (SELECT 1)

-- exists
SELECT EXISTS (SELECT 1 FROM empty), EXISTS (SELECT NULL), NOT EXISTS (SELECT 1)

-- in a subquery
SELECT id FROM every_type WHERE small IN (SELECT small FROM every_type WHERE id > 6) ORDER BY id

-- not in a subquery with null
SELECT id FROM every_type WHERE small NOT IN (SELECT small FROM every_type WHERE id = 4)

-- a correlated subquery
SELECT DISTINCT type, (SELECT max("timestamp") FROM purchases q WHERE q.type = p.type) AS last FROM purchases p ORDER BY type

-- a correlated exists
SELECT DISTINCT "Host" FROM purchases p WHERE EXISTS (SELECT 1 FROM guilds g WHERE g."Host" = p."Host" AND g.event_type = 'leave_guild') ORDER BY 1

-- common table expressions
WITH a AS (SELECT 1 AS x), b(y) AS (SELECT x + 1 FROM a) SELECT * FROM a, b

-- a recursive one
WITH RECURSIVE t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n), count(*) FROM t

-- a common table expression hides a table
WITH purchases AS (SELECT 'mine' AS x) SELECT * FROM purchases

-- nested queries
SELECT * FROM (SELECT x * 2 AS y FROM (SELECT 21 AS x) AS a) AS b

-- limit and offset
SELECT n FROM numbers ORDER BY n OFFSET 3 ROWS LIMIT 2

-- fetch first
SELECT n FROM numbers ORDER BY n DESC FETCH FIRST 2 ROWS ONLY

-- fetch with ties
SELECT x FROM (VALUES 1, 2, 2, 3) AS t(x) ORDER BY x FETCH FIRST 2 ROWS WITH TIES

-- limit all and limit zero
SELECT * FROM (SELECT 1 LIMIT ALL) CROSS JOIN (SELECT count(*) FROM (SELECT 1 LIMIT 0))

-- nulls sort last upwards and downwards
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x

-- nulls sort last downwards
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x DESC

-- nulls first
SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x NULLS FIRST

-- order by an alias, a position and an expression
SELECT id AS k, small FROM every_type ORDER BY small DESC, k

-- order by what is not selected
SELECT text FROM every_type WHERE id < 4 ORDER BY -id

-- order of doubles with NaN
SELECT ratio FROM every_type ORDER BY ratio, id

-- order of doubles downwards
SELECT ratio FROM every_type ORDER BY ratio DESC, id

-- table
TABLE empty

-- select without a table
SELECT 1 AS one WHERE 1 = 1

-- all columns and one more
SELECT *, 1 AS one FROM empty

-- quoted and unquoted names
SELECT "ID", Id, every_type.id, EVERY_TYPE."Id" FROM hive.Default.Every_Type WHERE id = 1

-- a name with a dash
SELECT "User-Agent", "user-agent", p."User-Agent" FROM purchases p LIMIT 1

-- a reserved word as a column
SELECT "offset", "partition" FROM events ORDER BY "offset" LIMIT 3

-- comments
SELECT /* here */ 1 -- there
, 2

-- tablesample of everything
SELECT count(*) FROM purchases TABLESAMPLE BERNOULLI (100)

-- values joined
SELECT v.name, count(*) FROM purchases JOIN (VALUES ('sabre', 'a sabre'), ('estoc', 'an estoc')) AS v(type, name) ON v.type = purchases.type GROUP BY v.name ORDER BY 1

-- the seeds: distinct hosts
SELECT DISTINCT "Host", count(*) FROM purchases GROUP BY "Host" ORDER BY 1

-- the seeds: money per host
SELECT host, sum(cost) AS money FROM purchases GROUP BY host ORDER BY money DESC, host

-- the seeds: items
select type, count(*) as n from purchases group by type order by n desc, type

-- the seeds: hosts by distinct guilds joined
select host, count(distinct guild_name) as guilds from guilds where event_type = 'join_guild' group by host order by guilds desc, host

-- the seeds: how many events
select count(*) from guilds where event_type = 'join_guild'

-- the seeds: hosts by guilds left
select host, count(distinct guild_name) from guilds where event_type = 'leave_guild' group by host order by host

-- the seeds: everything of a table
select * from purchases order by "timestamp" limit 25
