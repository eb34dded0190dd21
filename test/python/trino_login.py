"""Logs in to a door with the Python client of Trino, and says who it is there.

stdin: {"port", "user", "password"?, "token"?, "verify"?: path of a certificate authority, "sql"} → {"rows"} or {"error", "message"}."""

import json
import sys

import trino

asked = json.load(sys.stdin)
options = {}
if "password" in asked:
    options["auth"] = trino.auth.BasicAuthentication(asked.get("login", asked["user"]), asked["password"])
if "token" in asked:
    options["auth"] = trino.auth.JWTAuthentication(asked["token"])
if "verify" in asked:
    options["verify"] = asked["verify"]
try:
    cursor = trino.dbapi.connect(
        host="127.0.0.1",
        port=asked["port"],
        user=asked["user"],
        http_scheme="https" if "verify" in asked else "http",
        **options,
    ).cursor()
    cursor.execute(asked["sql"])
    answer = {"rows": cursor.fetchall()}
except Exception as error:
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
