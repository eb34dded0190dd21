"""The Python client of Trino, and its dialect of SQLAlchemy: what they get from a door, as JSON.

argv: port. stdin: {"questions": [sql], "large": sql, "endless": sql}."""

import json
import sys
import threading
import time

import trino
from sqlalchemy import create_engine, inspect, text
from trino.transaction import IsolationLevel

port = int(sys.argv[1])
request = json.load(sys.stdin)
answer = {}


def connect(**options):
    return trino.dbapi.connect(
        host="127.0.0.1", port=port, user="ada", catalog="hive", schema="default", **options
    )


def rows(cursor, sql, *parameters):
    cursor.execute(sql, *parameters)
    return [[str(value) for value in row] for row in cursor.fetchall()]


connection = connect()
cursor = connection.cursor()
answer["catalogs"] = rows(cursor, "SHOW CATALOGS")
answer["schemas"] = rows(cursor, "SHOW SCHEMAS")
answer["tables"] = rows(cursor, "SHOW TABLES")
answer["described"] = rows(cursor, "DESCRIBE purchases")
answer["questions"] = [rows(cursor, sql) for sql in request["questions"]]
answer["parameters"] = rows(
    cursor, "SELECT count(*) FROM purchases WHERE cost > ? AND type <> ? AND host LIKE ?", (9, "x'y", "user%")
)
cursor.execute('SELECT max("timestamp") AS newest, count(*) AS n FROM purchases')
[[newest, count]] = cursor.fetchall()
answer["types"] = [[column[0], column[1]] for column in cursor.description]
answer["values"] = [type(newest).__name__, str(newest.tzinfo), count]
try:
    rows(cursor, "SELECT\n  bad FROM purchases")
except trino.exceptions.TrinoUserError as error:
    answer["error"] = [error.error_name, error.error_code, list(error.error_location), error.message]

cursor.execute(request["large"])
answer["large"] = sum(1 for _ in cursor)

connection = connect(session_properties={"query_max_run_time": "1m"}, timezone="Europe/Rome", client_tags=["a", "b"])
answer["session"] = rows(connection.cursor(), "SHOW SESSION LIKE 'query_max_run_time'")[0][:2]

with connect(isolation_level=IsolationLevel.READ_COMMITTED) as transaction:
    answer["transaction"] = rows(transaction.cursor(), "SELECT count(*) FROM purchases")

# Another thread cancels what runs.
cursor = connection.cursor()
outcome = {}


def run():
    try:
        cursor.execute(request["endless"])
        outcome["name"] = "finished"
    except Exception as error:
        outcome["name"] = getattr(error, "error_name", None) or type(error).__name__


thread = threading.Thread(target=run)
started = time.monotonic()
thread.start()
while cursor._query is None or cursor._query._next_uri is None:
    time.sleep(0.05)
time.sleep(0.3)
cursor.cancel()
thread.join(20)
answer["cancelled"] = [outcome.get("name"), time.monotonic() - started < 20]

engine = create_engine(f"trino://ada@127.0.0.1:{port}/hive/default")
with engine.connect() as over:
    answer["alchemy"] = over.execute(
        text("SELECT count(*) FROM purchases WHERE cost > :least"), {"least": 9}
    ).scalar()
if request.get("inspect"):
    inspector = inspect(engine)
    answer["inspected"] = {
        "schemas": inspector.get_schema_names(),
        "tables": inspector.get_table_names("default"),
        "views": inspector.get_view_names("default"),
        "columns": [[c["name"], str(c["type"]), c["nullable"]] for c in inspector.get_columns("purchases", "default")],
        "has": [inspector.has_table("purchases", "default"), inspector.has_table("nothing", "default")],
        "indexes": inspector.get_indexes("purchases", "default"),
        "comment": inspector.get_table_comment("purchases", "default"),
    }
print(json.dumps(answer))
