-- parts of a timestamp
SELECT year(t), quarter(t), month(t), day(t), hour(t), minute(t), second(t), millisecond(t) FROM (VALUES TIMESTAMP '2021-07-30 18:43:03.611') AS x(t)

-- parts of a week and of a year
SELECT week(d), week_of_year(d), year_of_week(d), yow(d), day_of_week(d), dow(d), day_of_year(d), doy(d), day_of_month(d) FROM (VALUES DATE '2021-01-03') AS x(d)

-- extract
SELECT extract(YEAR FROM DATE '2021-07-30'), extract(DOW FROM DATE '2021-08-01'), extract(WEEK FROM DATE '2021-01-01'), extract(HOUR FROM TIMESTAMP '2021-07-30 18:43:03'), extract(TIMEZONE_HOUR FROM TIMESTAMP '2021-07-30 00:00:00 +05:30')

-- parts of moments of a table
SELECT id, year(moment), day_of_week(moment), hour(moment), millisecond(moment), date_trunc('month', moment) FROM every_type ORDER BY id

-- date_trunc of a timestamp
SELECT date_trunc('second', t), date_trunc('hour', t), date_trunc('day', t), date_trunc('week', t), date_trunc('month', t), date_trunc('quarter', t), date_trunc('year', t) FROM (VALUES TIMESTAMP '2021-08-15 18:43:03.611') AS x(t)

-- date_trunc of a date
SELECT date_trunc('week', DATE '2021-08-01'), date_trunc('month', DATE '2021-08-15'), date_trunc('year', DATE '2021-08-15')

-- date_diff counts whole units
SELECT date_diff('day', TIMESTAMP '2020-03-01 23:00:00', TIMESTAMP '2020-03-02 01:00:00'), date_diff('hour', TIMESTAMP '2020-03-01 00:59:00', TIMESTAMP '2020-03-01 01:01:00'), date_diff('month', DATE '2020-01-31', DATE '2020-02-29'), date_diff('year', DATE '2020-06-01', DATE '2021-05-31')

-- date_diff backwards
SELECT date_diff('day', DATE '2020-03-02', DATE '2020-02-28'), date_diff('week', DATE '2020-01-20', DATE '2020-01-01'), date_diff('second', TIMESTAMP '2020-01-01 00:00:01.9', TIMESTAMP '2020-01-01 00:00:00'), date_diff('millisecond', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:00:01.5')

-- date_add
SELECT date_add('day', 1, DATE '2020-02-28'), date_add('month', 1, DATE '2020-01-31'), date_add('year', -1, DATE '2020-02-29'), date_add('hour', 25, TIMESTAMP '2020-01-01 00:00:00'), date_add('week', 1, DATE '2020-12-28'), date_add('quarter', 1, DATE '2020-11-30')

-- dates and intervals
SELECT DATE '2020-02-28' + INTERVAL '2' DAY, DATE '2020-01-31' + INTERVAL '1' MONTH, DATE '2020-03-01' - INTERVAL '1' DAY, INTERVAL '1' YEAR + DATE '2020-02-29'

-- timestamps and intervals
SELECT TIMESTAMP '2020-01-31 12:00:00' + INTERVAL '1' MONTH, TIMESTAMP '2020-01-01 00:00:00' - INTERVAL '1' SECOND, TIMESTAMP '2020-01-01 00:00:00' + INTERVAL '1.5' SECOND

-- differences of dates and timestamps
SELECT DATE '2020-03-01' - DATE '2020-02-28', TIMESTAMP '2020-01-02 00:00:00' - TIMESTAMP '2020-01-01 12:30:00.5'

-- intervals compute
SELECT INTERVAL '1' DAY + INTERVAL '2' HOUR, INTERVAL '1' DAY * 2, INTERVAL '1' DAY / 2, INTERVAL '3' MONTH * 5, INTERVAL '1' DAY > INTERVAL '23' HOUR

-- intervals to numbers
SELECT to_milliseconds(INTERVAL '1' HOUR), day(INTERVAL '49' HOUR), hour(INTERVAL '49' HOUR), year(INTERVAL '30' MONTH), month(INTERVAL '30' MONTH)

-- at time zone
SELECT TIMESTAMP '2021-07-30 18:43:03 UTC' AT TIME ZONE 'Europe/Berlin', TIMESTAMP '2021-01-30 18:43:03.611 UTC' AT TIME ZONE 'America/New_York', TIMESTAMP '2021-07-30 18:43:03 UTC' AT TIME ZONE '+05:30'

-- at time zone of moments over a change of summer time
SELECT id, moment AT TIME ZONE 'Europe/Berlin', CAST(moment AT TIME ZONE 'Europe/Berlin' AS timestamp(0)) FROM every_type WHERE id IN (6, 7, 8) ORDER BY id

-- parts follow the zone
SELECT hour(t AT TIME ZONE 'Asia/Tokyo'), day(t AT TIME ZONE 'Asia/Tokyo'), date(t AT TIME ZONE 'Asia/Tokyo'), date_trunc('day', t AT TIME ZONE 'Asia/Tokyo') FROM (VALUES TIMESTAMP '2021-07-30 18:43:03 UTC') AS x(t)

-- with_timezone and at_timezone
SELECT with_timezone(TIMESTAMP '2021-07-30 18:43:03', 'Europe/Berlin'), at_timezone(TIMESTAMP '2021-07-30 18:43:03 UTC', 'Europe/Berlin'), timezone_hour(TIMESTAMP '2021-07-30 18:43:03 +05:30'), timezone_minute(TIMESTAMP '2021-07-30 18:43:03 +05:30')

-- from_unixtime and to_unixtime
SELECT from_unixtime(0), from_unixtime(1627670583.611), to_unixtime(TIMESTAMP '2021-07-30 18:43:03.611 UTC'), from_unixtime(1627670583, 'Europe/Berlin'), from_unixtime_nanos(1627670583611123000)

-- date_format
SELECT date_format(TIMESTAMP '2021-07-03 08:04:03.611', '%Y-%m-%d %H:%i:%s'), date_format(TIMESTAMP '2021-07-03 18:04:03.611', '%d.%c.%y %h:%i %p'), date_format(DATE '2021-07-03', '%a %b %e %j %W %M'), date_format(TIMESTAMP '2021-07-03 18:04:03.611', '%f %T %r %%')

-- date_parse
SELECT date_parse('2021-07-30 18:43:03', '%Y-%m-%d %H:%i:%s'), date_parse('30/Jul/2021', '%d/%b/%Y'), date_parse('2021', '%Y')

-- format_datetime and parse_datetime
SELECT format_datetime(TIMESTAMP '2021-07-30 18:43:03.611', 'yyyy-MM-dd HH:mm:ss.SSS'), format_datetime(TIMESTAMP '2021-07-30 18:43:03 UTC', 'EEE, d MMM yyyy'), parse_datetime('2021-07-30 18:43', 'yyyy-MM-dd HH:mm')

-- iso 8601
SELECT from_iso8601_timestamp('2021-07-30T18:43:03.611Z'), from_iso8601_timestamp('2021-07-30T18:43:03+02:00'), from_iso8601_date('2021-07-30'), to_iso8601(DATE '2021-07-30'), to_iso8601(TIMESTAMP '2021-07-30 18:43:03.611'), to_iso8601(TIMESTAMP '2021-07-30 18:43:03 UTC')

-- iso 8601 weeks and short forms
SELECT from_iso8601_date('2021-W30-5'), from_iso8601_date('2021-211'), from_iso8601_timestamp('2021-07-30')

-- last day of a month
SELECT last_day_of_month(DATE '2020-02-10'), last_day_of_month(TIMESTAMP '2021-04-01 10:00:00')

-- the session's time is one time
SELECT current_timestamp = now(), current_date = CAST(now() AS date), typeof(now()), typeof(current_date), typeof(localtimestamp), typeof(current_time)

-- the session's zone
SELECT current_timezone(), CAST(TIMESTAMP '2020-01-01 00:00:00' AS timestamp with time zone)

-- casts of dates and times
SELECT CAST('2021-07-30' AS date), CAST('2021-07-30 18:43:03.6' AS timestamp), CAST(TIMESTAMP '2021-07-30 18:43:03.6' AS date), CAST(DATE '2021-07-30' AS timestamp), CAST('18:43:03' AS time)

-- casts of timestamps to text
SELECT CAST(DATE '2021-07-30' AS varchar), CAST(TIMESTAMP '2021-07-30 18:43:03' AS varchar), CAST(TIMESTAMP '2021-07-30 18:43:03.600 UTC' AS varchar), CAST(TIME '01:02:03.5' AS varchar)

-- casts between precisions round
SELECT CAST(TIMESTAMP '2021-07-30 18:43:03.6115' AS timestamp(3)), CAST(TIMESTAMP '2021-07-30 23:59:59.9996' AS timestamp(3)), CAST(TIMESTAMP '2021-07-30 18:43:03.5' AS timestamp(0))

-- moments of a table as text
SELECT id, CAST(moment AS varchar), CAST(moment AS date), CAST(moment AS timestamp) FROM every_type ORDER BY id

-- times compute
SELECT TIME '01:02:03' + INTERVAL '1' HOUR, TIME '23:30:00' + INTERVAL '1' HOUR, hour(TIME '18:43:03')

-- a duration as text
SELECT parse_duration('2 m'), human_readable_seconds(3762), parse_duration('1.5 h')

-- events per day
SELECT date(received_at) AS day, count(*) FROM events GROUP BY 1 ORDER BY 1

-- purchases per hour
SELECT date_trunc('hour', "timestamp") AS hour, count(*) AS n, sum(cost) FROM purchases GROUP BY date_trunc('hour', "timestamp") ORDER BY hour LIMIT 5

-- a day in a filter
SELECT count(*) FROM purchases WHERE "timestamp" >= TIMESTAMP '2021-07-31 00:00:00 UTC' AND "timestamp" < TIMESTAMP '2021-07-31 00:00:00 UTC' + INTERVAL '1' DAY

-- sequences of days
SELECT sequence(DATE '2020-02-27', DATE '2020-03-01'), sequence(DATE '2020-01-31', DATE '2020-04-30', INTERVAL '1' MONTH)

-- an ISO time has milliseconds
SELECT from_iso8601_timestamp('2021-07-30T23:59:59.999999Z') = TIMESTAMP '2021-07-30 23:59:59.999 UTC', from_iso8601_timestamp('2021-07-30T18:43:03.611999Z')
