"""spark_server.py PORT JARS DIRECTORY: one Spark session behind HTTP on 127.0.0.1.
POST / {"sql": text} or {"conf": {name: value}} -> {"columns": [{name, type}], "rows": [[…]]} or {"error": text}."""
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pyspark.sql import SparkSession

port, jars, directory = int(sys.argv[1]), sys.argv[2], sys.argv[3]
spark = (
    SparkSession.builder.master("local[2]")
    .appName("landfall-tests")
    .config("spark.jars", jars)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "1g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.extraJavaOptions", f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir={directory}")
    .config("spark.local.dir", directory)
    .config("spark.sql.warehouse.dir", directory + "/warehouse")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def answer(asked):
    for name, value in asked.get("conf", {}).items():
        spark.conf.set(name, value)
    if "sql" not in asked:
        return {"columns": [], "rows": []}
    frame = spark.sql(asked["sql"])
    columns = [{"name": field.name, "type": field.dataType.simpleString()} for field in frame.schema.fields]
    return {"columns": columns, "rows": [list(row) for row in frame.collect()]}


def as_text(value):
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            body = answer(asked)
        except Exception as error:
            body = {"error": str(error)}
        data = json.dumps(body, default=as_text).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


HTTPServer(("127.0.0.1", port), Handler).serve_forever()
