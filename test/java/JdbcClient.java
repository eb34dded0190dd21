import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;

/**
 * Trino's JDBC driver at a door: what an application or a BI tool gets from it, one line per answer, `key<TAB>value`, values of a row
 * separated by `|`, rows by `;`. Arguments: port, and `metadata` for the calls of DatabaseMetaData too. On stdin statements,
 * each ended by a zero byte: one that never ends, one with many rows, then questions.
 */
public class JdbcClient {
    public static void main(String[] arguments) throws Exception {
        String port = arguments[0];
        String[] statements = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0");
        Properties properties = new Properties();
        properties.setProperty("user", "ada");
        String url = "jdbc:trino://127.0.0.1:" + port + "/hive/default";
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            basics(connection);
            for (int i = 2; i < statements.length; i++) say("question", ask(connection, statements[i]));
            prepared(connection);
            values(connection);
            errors(connection);
            session(connection);
            large(connection, statements[1]);
            cancel(connection, statements[0]);
            transaction(connection);
            if (arguments.length > 1) metadata(connection.getMetaData());
        }
        properties.setProperty("explicitPrepare", "false");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            say("immediate", parameters(connection));
        }
    }

    static void say(String key, Object value) {
        System.out.println(key + "\t" + String.valueOf(value).replace("\n", "\\n"));
    }

    static String rows(ResultSet results) throws SQLException {
        List<String> rows = new ArrayList<>();
        int columns = results.getMetaData().getColumnCount();
        while (results.next()) {
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= columns; i++) row.add(String.valueOf(results.getObject(i)));
            rows.add(String.join("|", row));
        }
        return String.join(";", rows);
    }

    static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return rows(statement.executeQuery(sql));
        }
    }

    static void basics(Connection connection) throws SQLException {
        DatabaseMetaData metadata = connection.getMetaData();
        say("product", metadata.getDatabaseProductName() + " " + metadata.getDatabaseProductVersion());
        say("valid", connection.isValid(5));
        say("catalogs", ask(connection, "SHOW CATALOGS"));
        say("schemas", ask(connection, "SHOW SCHEMAS"));
        say("tables", ask(connection, "SHOW TABLES"));
        say("described", ask(connection, "DESCRIBE purchases"));
    }

    static String parameters(Connection connection) throws SQLException {
        String sql = "SELECT count(*) FROM purchases WHERE cost > ? AND type <> ? AND \"timestamp\" < ? AND host LIKE ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, 9);
            statement.setString(2, "x'y");
            statement.setTimestamp(3, Timestamp.valueOf("2100-01-01 00:00:00"));
            statement.setString(4, "user%");
            return rows(statement.executeQuery());
        }
    }

    static void prepared(Connection connection) throws SQLException {
        say("prepared", parameters(connection));
        String sql = "SELECT type, cost FROM purchases WHERE cost > ? ORDER BY cost, type LIMIT ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            ResultSetMetaData columns = statement.getMetaData();
            say("prepared columns", columns.getColumnName(1) + " " + columns.getColumnTypeName(2));
            say("prepared parameters", statement.getParameterMetaData().getParameterCount());
            statement.setInt(1, 5);
            statement.setInt(2, 2);
            say("prepared limit", rows(statement.executeQuery()));
            statement.setInt(1, 40);
            say("prepared again", rows(statement.executeQuery()));
        }
    }

    static void values(Connection connection) throws SQLException {
        String sql = "SELECT CAST(1.10 AS decimal(5, 2)) AS a, CAST(9007199254740993 AS bigint) AS b,"
            + " CAST('2026-01-02' AS date) AS c, CAST(NULL AS varchar) AS d, CAST('NaN' AS double) AS e, true AS f,"
            + " (SELECT max(\"timestamp\") FROM purchases) AS g";
        try (Statement statement = connection.createStatement(); ResultSet results = statement.executeQuery(sql)) {
            ResultSetMetaData columns = results.getMetaData();
            List<String> types = new ArrayList<>();
            for (int i = 1; i <= columns.getColumnCount(); i++) types.add(columns.getColumnTypeName(i));
            say("types", String.join("|", types));
            results.next();
            BigDecimal decimal = results.getBigDecimal("a");
            Object isNull = results.getObject("d");
            say("values", decimal + "|" + results.getLong("b") + "|" + results.getDate("c") + "|" + isNull + "|"
                + results.getDouble("e") + "|" + results.getBoolean("f") + "|" + results.getTimestamp("g").toInstant());
        }
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(2);
            say("max rows", rows(statement.executeQuery("SELECT cost FROM purchases ORDER BY cost")));
        }
    }

    static void errors(Connection connection) {
        for (String sql : List.of("SELECT\n  bad FROM purchases", "SELECT * FROM nowhere", "DROP TABLE purchases")) {
            try {
                ask(connection, sql);
                say("error", "none");
            } catch (SQLException error) {
                say("error", error.getErrorCode() + "|" + error.getMessage() + "|" + error.getCause().getClass().getSimpleName());
            }
        }
    }

    static void session(Connection connection) throws SQLException {
        connection.setSchema("default");
        connection.setCatalog("hive");
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET SESSION query_max_run_time = '3m'");
            statement.execute("USE hive.default");
            say("updates", statement.getUpdateCount());
        }
        say("session", ask(connection, "SHOW SESSION LIKE 'query_max_run_time'").split("\\|")[1]);
        say("schema", connection.getCatalog() + "." + connection.getSchema());
    }

    static void large(Connection connection, String sql) throws SQLException {
        long count = 0;
        try (Statement statement = connection.createStatement(); ResultSet results = statement.executeQuery(sql)) {
            while (results.next()) count++;
        }
        say("large", count);
    }

    static void cancel(Connection connection, String sql) throws Exception {
        try (Statement statement = connection.createStatement()) {
            Thread later = new Thread(() -> {
                try {
                    Thread.sleep(700);
                    statement.cancel();
                } catch (Exception error) {
                    say("cancelled", "cancel failed: " + error);
                }
            });
            long started = System.nanoTime();
            later.start();
            try {
                statement.executeQuery(sql).next();
                say("cancelled", "it ended");
            } catch (SQLException error) {
                say("cancelled", (System.nanoTime() - started) / 1_000_000_000 < 15);
            }
            later.join();
        }
    }

    static void transaction(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        say("transaction", ask(connection, "SELECT count(*) FROM purchases"));
        connection.commit();
        say("transaction", ask(connection, "SELECT count(*) FROM guilds"));
        connection.rollback();
        connection.setAutoCommit(true);
    }

    static void metadata(DatabaseMetaData metadata) throws SQLException {
        say("metadata catalogs", rows(metadata.getCatalogs()));
        say("metadata schemas", rows(metadata.getSchemas("hive", null)));
        say("metadata tables", rows(metadata.getTables("hive", "default", "p%", new String[] {"TABLE", "VIEW"})));
        say("metadata columns", rows(metadata.getColumns("hive", "default", "purchases", null)));
        say("metadata keys", rows(metadata.getPrimaryKeys("hive", "default", "purchases")));
        say("metadata types", rows(metadata.getTypeInfo()));
        say("metadata table types", rows(metadata.getTableTypes()));
        say("metadata functions", metadata.getTimeDateFunctions().length() >= 0);
    }
}
