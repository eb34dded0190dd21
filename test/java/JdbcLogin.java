import java.sql.*;

/** Logs in by Trino's JDBC driver and asks one question. Arguments: the URL, the question; prints the first value or the error. */
public class JdbcLogin {
    public static void main(String[] arguments) {
        try (Connection connection = DriverManager.getConnection(arguments[0]);
                ResultSet results = connection.createStatement().executeQuery(arguments[1])) {
            results.next();
            System.out.println(results.getString(1));
        } catch (SQLException error) {
            System.out.println("error: " + error.getMessage());
        }
    }
}
