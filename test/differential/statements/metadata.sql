-- show tables
SHOW TABLES

-- show tables like
SHOW TABLES LIKE 'e%'

-- show tables from a schema
SHOW TABLES FROM hive.default LIKE '%s'

-- show schemas
SHOW SCHEMAS LIKE 'default'

-- show catalogs like
SHOW CATALOGS LIKE 'hive'

-- describe every type
DESCRIBE every_type

-- describe purchases
DESC hive.default.purchases

-- show columns
SHOW COLUMNS FROM guilds

-- show columns like
SHOW COLUMNS FROM every_type LIKE '%t'

-- tables of the schema
SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'default' ORDER BY table_name

-- columns of a table
SELECT column_name, ordinal_position, is_nullable, data_type, column_default FROM information_schema.columns WHERE table_schema = 'default' AND table_name = 'every_type' ORDER BY ordinal_position

-- schemas of the catalog
SELECT catalog_name, schema_name FROM information_schema.schemata WHERE schema_name = 'default'

-- columns of information_schema.tables
DESCRIBE information_schema.tables

-- columns of information_schema.columns
SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'information_schema' AND table_name = 'columns' ORDER BY ordinal_position

-- jdbc: catalogs
SELECT TABLE_CAT FROM system.jdbc.catalogs WHERE TABLE_CAT = 'hive'

-- jdbc: schemas
SELECT TABLE_SCHEM, TABLE_CATALOG FROM system.jdbc.schemas WHERE TABLE_CATALOG = 'hive' AND TABLE_SCHEM = 'default'

-- jdbc: tables
SELECT TABLE_CAT, TABLE_SCHEM, TABLE_NAME, TABLE_TYPE, REMARKS, TYPE_CAT, TYPE_SCHEM, TYPE_NAME, SELF_REFERENCING_COL_NAME, REF_GENERATION FROM system.jdbc.tables WHERE TABLE_CAT = 'hive' AND TABLE_SCHEM LIKE 'default' ESCAPE '\' ORDER BY TABLE_NAME

-- jdbc: columns
SELECT * FROM system.jdbc.columns WHERE TABLE_CAT = 'hive' AND TABLE_SCHEM = 'default' AND TABLE_NAME = 'every_type' ORDER BY ORDINAL_POSITION

-- jdbc: types of tables
SELECT TABLE_TYPE FROM system.jdbc.table_types ORDER BY TABLE_TYPE

-- views of the schema
SELECT count(*) FROM information_schema.views WHERE table_schema = 'default'

-- use
USE hive.default

-- the session after use
SELECT current_catalog, current_schema, current_user

-- prepare
PREPARE sabres FROM SELECT count(*) FROM purchases WHERE type = ? AND cost > ?

-- execute
EXECUTE sabres USING 'sabre', 5

-- execute with other values
EXECUTE sabres USING 'katana', 100

-- describe input
DESCRIBE INPUT sabres

-- describe output
DESCRIBE OUTPUT sabres

-- deallocate
DEALLOCATE PREPARE sabres

-- execute immediate
EXECUTE IMMEDIATE 'SELECT ? + 1, ?' USING 41, 'x'

-- execute immediate with every kind of value
EXECUTE IMMEDIATE 'SELECT ?, ?, ?, ?, ?' USING 1.50, 1e0, DATE '2020-01-01', NULL, ARRAY[1, 2]

-- set session
SET SESSION query_max_run_time = '1h'

-- reset session
RESET SESSION query_max_run_time

-- set time zone
SET TIME ZONE 'Europe/Berlin'

-- the zone of the session
SELECT current_timezone(), TIMESTAMP '2021-07-30 18:43:03 UTC', CAST(TIMESTAMP '2021-07-30 18:43:03' AS timestamp(0) with time zone), hour(moment) FROM every_type WHERE id = 5

-- set time zone back
SET TIME ZONE 'UTC'

-- nodes
SELECT count(*), bool_and(coordinator) FROM system.runtime.nodes

-- show functions like
SHOW FUNCTIONS LIKE 'approx_percent%'

-- explain names its column
EXPLAIN (TYPE VALIDATE) SELECT 1

-- comments of tables
SELECT table_name, comment FROM system.metadata.table_comments WHERE catalog_name = 'hive' AND schema_name = 'default' ORDER BY table_name
