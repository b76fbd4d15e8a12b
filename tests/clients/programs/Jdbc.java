// JDBC: `extended` (prepared, binary, cursors) and `simple` (preferQueryMode=simple). See ask.py.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.core.BaseConnection;
import org.postgresql.jdbc.AutoSave;

public class Jdbc {
    static final String MASKED = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = ? ORDER BY id";
    static boolean simple;

    interface Work { Object run() throws Exception; }

    static Connection connect(String name, String... more) throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", System.getenv("CLIENT_USER"));
        p.setProperty("password", System.getenv("CLIENT_PASSWORD"));
        p.setProperty("ApplicationName", name);
        if (simple) p.setProperty("preferQueryMode", "simple");
        for (int i = 0; i < more.length; i += 2) p.setProperty(more[i], more[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + System.getenv("CLIENT_PORT") + "/" + System.getenv("CLIENT_DATABASE"), p);
    }

    static String status(Connection c) throws SQLException { return ((BaseConnection) c).getTransactionState().name(); }

    static String attempt(Connection c, Work work) throws Exception {
        String said;
        try { said = String.valueOf(work.run()); }
        catch (SQLException e) {
            SQLException first = e instanceof BatchUpdateException && e.getNextException() != null ? e.getNextException() : e;
            String message = first instanceof org.postgresql.util.PSQLException p && p.getServerErrorMessage() != null ? p.getServerErrorMessage().getMessage() : first.getMessage();
            said = "ERROR " + first.getSQLState() + " " + message;
        }
        return said + " [" + status(c) + "]";
    }

    static String value(Object v) throws SQLException {
        if (v instanceof byte[] b) return "\\x" + HexFormat.of().formatHex(b);
        if (v instanceof java.sql.Array a) return a.getBaseTypeName() + ":" + a;
        if (v instanceof SQLXML x) return x.getString();
        return v == null ? "NULL" : v.getClass().getSimpleName() + ":" + v;
    }

    static String rows(ResultSet r) throws SQLException {
        StringBuilder out = new StringBuilder();
        ResultSetMetaData m = r.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++) out.append(m.getColumnLabel(i)).append(' ').append(m.getColumnTypeName(i)).append(' ').append(m.getPrecision(i)).append(' ').append(m.getScale(i)).append('|');
        while (r.next()) {
            out.append("\n");
            for (int i = 1; i <= m.getColumnCount(); i++) out.append(value(r.getObject(i))).append('|');
        }
        return out.toString();
    }

    static String results(Statement s, boolean has) throws SQLException {
        StringBuilder out = new StringBuilder();
        while (true) {
            if (has) out.append(rows(s.getResultSet())).append(';');
            else if (s.getUpdateCount() >= 0) out.append(s.getUpdateCount()).append(';');
            else return out.toString();
            has = s.getMoreResults();
        }
    }

    static String ask(Connection c, String sql, List<String> parameters) throws SQLException {
        if (parameters.isEmpty()) try (Statement s = c.createStatement()) { return results(s, s.execute(sql)); }
        try (PreparedStatement s = c.prepareStatement(sql.replaceAll("\\$\\d", "?"))) {
            for (int i = 0; i < parameters.size(); i++) {
                String[] p = parameters.get(i).trim().split(" ", 2);
                switch (p[0]) {
                    case "int" -> s.setInt(i + 1, Integer.parseInt(p[1]));
                    case "text" -> s.setString(i + 1, p[1]);
                    case "bytes" -> s.setBytes(i + 1, HexFormat.of().parseHex(p[1]));
                    case "ints" -> s.setArray(i + 1, c.createArrayOf("int4", Arrays.stream(p[1].split(",")).map(Integer::valueOf).toArray()));
                    default -> s.setNull(i + 1, Types.INTEGER);
                }
            }
            return results(s, s.execute());
        }
    }

    static String step(Connection c, String sql) throws Exception { return attempt(c, () -> ask(c, sql, List.of())); }

    static String digest(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    static String prepared(Connection c, String sql, int level) throws Exception {
        try (PreparedStatement s = c.prepareStatement(sql)) { s.setInt(1, level); return rows(s.executeQuery()); }
    }

    // As in ask.py.
    static final String[][] SAVED = {{"id", "int"}, {"name", "text"}, {"email", "text"}, {"phone", "varchar"}, {"born", "date"}, {"salary", "numeric"}, {"joined", "timestamptz"},
        {"key", "uuid"}, {"photo", "bytea"}, {"notes", "jsonb"}, {"ip", "inet"}, {"town", "text"}};

    static String saved(String form, String between) { return String.join(between, Arrays.stream(SAVED).map(c -> form.replace("NAME", c[0]).replace("TYPE", c[1])).toList()); }

    static final String[] SAVES = {
        "UPDATE saved SET " + saved("NAME = ?", ", ") + " WHERE id = 1",
        "INSERT INTO saved (" + saved("NAME", ", ") + ") VALUES (" + saved("?", ", ") + ") ON CONFLICT (id) DO UPDATE SET " + saved("NAME = excluded.NAME", ", "),
        "MERGE INTO saved s USING (SELECT " + saved("?::TYPE AS NAME", ", ") + ") n ON s.id = n.id WHEN MATCHED THEN UPDATE SET " + saved("NAME = n.NAME", ", "),
    };

    static List<Object> row(Connection c, int id) throws SQLException {
        try (PreparedStatement s = c.prepareStatement("SELECT " + saved("NAME", ", ") + " FROM saved WHERE id = ?")) {
            s.setInt(1, id);
            ResultSet r = s.executeQuery();
            r.next();
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= SAVED.length; i++) row.add(r.getObject(i));
            return row;
        }
    }

    static void save(Connection c, String sql, List<Object> row) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < row.size(); i++) s.setObject(i + 1, row.get(i));
            s.execute();
        }
    }

    /** The answer of a check's own code; null where there is none. */
    static List<String> own(String name, Connection c) throws Exception {
        List<String> out = new ArrayList<>();
        switch (name) {
            case "multi" -> {
                for (String sql : new String[] {"SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2",
                    "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2", "SELECT count(*) FROM scratch",
                    "DELETE FROM scratch WHERE id > 9", ";", ""}) out.add(step(c, sql));
            }
            case "abort" -> {
                c.setAutoCommit(false);
                out.add(step(c, "INSERT INTO scratch VALUES (10, 'ten', 10)"));
                out.add(step(c, "SELECT secret FROM vault"));
                out.add(step(c, "SELECT 1"));
                out.add(attempt(c, () -> { c.rollback(); return "rolled back"; }));
                out.add(step(c, "SELECT count(*) FROM scratch"));
                c.rollback();
            }
            case "savepoint" -> {
                c.setAutoCommit(false);
                Savepoint a = c.setSavepoint("a");
                out.add(step(c, "SELECT secret FROM vault"));
                c.rollback(a);
                out.add(step(c, "INSERT INTO scratch VALUES (11, 'eleven', 11)"));
                c.releaseSavepoint(a);
                out.add(step(c, "SELECT label FROM scratch WHERE id = 11"));
                c.rollback();
                try (Connection d = connect("savepoint", "autosave", "always")) {
                    d.setAutoCommit(false);
                    out.add(step(d, "SELECT id FROM scratch ORDER BY id"));
                    out.add(step(d, "SELECT secret FROM vault"));
                    out.add(step(d, "SELECT 1"));
                    d.rollback();
                }
            }
            case "reuse" -> {
                for (String threshold : new String[] {"5", "1", "-1"}) {
                    try (Connection d = connect("reuse", "prepareThreshold", threshold); PreparedStatement s = d.prepareStatement(MASKED)) {
                        for (int i = 0; i < 9; i++) { s.setInt(1, i % 3); out.add(rows(s.executeQuery())); }
                        out.add(attempt(d, () -> prepared(d, "SELECT secret FROM vault WHERE id = ?", 1)));
                        out.add(attempt(d, () -> prepared(d, MASKED, 1)));
                        out.add(attempt(d, () -> s.getParameterMetaData().getParameterTypeName(1) + s.getMetaData().getColumnTypeName(3)));
                    }
                }
            }
            case "binary" -> {
                if (simple) return null;
                try (Connection d = connect("binary", "prepareThreshold", "-1", "binaryTransfer", "true", "binaryTransferEnable", "numeric,date,timestamptz,timestamp,time,text")) {
                    for (String sql : new String[] {"SELECT * FROM kinds WHERE id < ? ORDER BY id", MASKED, "SELECT id, key, photo, tags, joined FROM people WHERE id < ? ORDER BY id"}) {
                        for (int i = 1; i < 4; i++) { int n = i; out.add(attempt(d, () -> prepared(d, sql, n))); }
                    }
                }
            }
            case "pieces" -> {
                c.setAutoCommit(false);
                try (PreparedStatement s = c.prepareStatement("SELECT id, email, town FROM people ORDER BY id")) {
                    s.setFetchSize(5);
                    out.add(rows(s.executeQuery()));
                    s.setMaxRows(7);
                    out.add(rows(s.executeQuery()));
                    ResultSet half = s.executeQuery();
                    half.next();
                    out.add(half.getString(2));
                    half.close();
                }
                out.add(attempt(c, () -> { try (Statement s = c.createStatement()) { s.setFetchSize(2); return rows(s.executeQuery("SELECT secret FROM vault")); } }));
                c.rollback();
                try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
                    ResultSet r = s.executeQuery("SELECT id, email FROM people ORDER BY id");
                    r.absolute(5); out.add(r.getString(2)); r.last(); out.add(r.getString(1));
                }
                c.rollback();
            }
            case "batch" -> {
                c.setAutoCommit(false);
                for (String rewrite : new String[] {"false", "true"}) {
                    try (Connection d = connect("batch", "reWriteBatchedInserts", rewrite)) {
                        d.setAutoCommit(false);
                        out.add(attempt(d, () -> {
                            try (PreparedStatement s = d.prepareStatement("INSERT INTO scratch VALUES (?, ?, ?)")) {
                                for (int i = 0; i < 300; i++) { s.setInt(1, 100 + i); s.setString(2, "批" + i); s.setInt(3, i); s.addBatch(); }
                                return Arrays.toString(s.executeBatch());
                            }
                        }));
                        out.add(step(d, "SELECT sum(n), count(*) FROM scratch"));
                        d.rollback();
                        out.add(attempt(d, () -> {
                            try (Statement s = d.createStatement()) {
                                s.addBatch("INSERT INTO scratch VALUES (70, 'a', 1)"); s.addBatch("UPDATE vault SET label = 'x' WHERE secret = 'y'"); s.addBatch("INSERT INTO scratch VALUES (71, 'b', 1)");
                                return Arrays.toString(s.executeBatch());
                            }
                        }));
                        d.rollback();
                        out.add(attempt(d, () -> {
                            try (PreparedStatement s = d.prepareStatement("INSERT INTO scratch VALUES (?, ?, 1)", Statement.RETURN_GENERATED_KEYS)) {
                                s.setInt(1, 80); s.setString(2, "键"); s.executeUpdate();
                                return rows(s.getGeneratedKeys());
                            }
                        }));
                        d.rollback();
                    }
                }
            }
            case "copyout" -> {
                var manager = ((PGConnection) c).getCopyAPI();
                for (String form : new String[] {"text", "csv", "binary"}) {
                    for (String what : new String[] {"people", "people (id, email)", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "scratch", "vault (secret)"}) {
                        out.add(attempt(c, () -> {
                            var bytes = new ByteArrayOutputStream();
                            long n = manager.copyOut("COPY " + what + " TO STDOUT WITH (FORMAT " + form + ")", bytes);
                            return n + HexFormat.of().formatHex(bytes.toByteArray());
                        }));
                    }
                }
                out.add(step(c, "SELECT 1"));
            }
            case "copyin" -> {
                c.setAutoCommit(false);
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < 500; i++) text.append(100 + i).append("\t复制").append(i).append('\t').append(i).append('\n');
                var manager = ((PGConnection) c).getCopyAPI();
                out.add(attempt(c, () -> manager.copyIn("COPY scratch FROM STDIN", new ByteArrayInputStream(text.toString().getBytes(StandardCharsets.UTF_8)))));
                out.add(step(c, "SELECT * FROM scratch ORDER BY id"));
                c.rollback();
                out.add(attempt(c, () -> manager.copyIn("COPY scratch FROM STDIN", new ByteArrayInputStream("1\tdup\t1\n".getBytes()))));
                c.rollback();
                out.add(attempt(c, () -> { var in = manager.copyIn("COPY scratch FROM STDIN"); in.writeToCopy("90\tx\t1\n".getBytes(), 0, 7); in.cancelCopy(); return "cancelled"; }));
                c.rollback();
                out.add(step(c, "SELECT count(*) FROM scratch"));
                c.rollback();
            }
            case "save" -> {
                for (String threshold : new String[] {"5", "-1"}) {
                    try (Connection d = connect("save", "prepareThreshold", threshold, "binaryTransferEnable", "numeric,date,timestamptz")) {
                        d.setAutoCommit(false);
                        List<Object> first = row(d, 1), other = row(d, 2);
                        for (String sql : SAVES) {
                            for (List<String> news : List.of(List.<String>of(), List.of("salary"), List.of("born", "town"), List.of("name", "phone", "joined", "ip"))) {
                                List<Object> row = new ArrayList<>();
                                for (int i = 0; i < SAVED.length; i++) row.add((news.contains(SAVED[i][0]) ? other : first).get(i));
                                out.add(attempt(d, () -> { save(d, sql, row); return "saved"; }));
                                out.add(step(d, "SELECT changed()"));
                                d.rollback();
                            }
                        }
                        out.add(attempt(d, () -> {
                            try (Statement s = d.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_UPDATABLE)) {
                                ResultSet r = s.executeQuery("SELECT * FROM saved WHERE id = 1");
                                r.next();
                                for (int i = 2; i <= SAVED.length; i++) r.updateObject(i, SAVED[i - 1][0].equals("town") ? "Bergen" : r.getObject(i));
                                r.updateRow();
                                return ask(d, "SELECT changed()", List.of());
                            }
                        }));
                        d.rollback();
                    }
                }
            }
            case "notify" -> {
                out.add(step(c, "LISTEN news"));
                try (Connection d = connect("notify2")) { step(d, "NOTIFY news, '你好'"); step(d, "SELECT pg_notify('news', 'again')"); }
                List<String> seen = new ArrayList<>();
                for (int i = 0; i < 10 && seen.size() < 2; i++) {
                    var some = ((PGConnection) c).getNotifications(2000);
                    if (some != null) for (var n : some) seen.add(n.getName() + n.getParameter());
                }
                out.add(seen.toString());
                out.add(step(c, "UNLISTEN *"));
            }
            case "notices" -> {
                for (String sql : new String[] {"ROLLBACK", "SET LOCAL TimeZone TO 'UTC'"}) {
                    try (Statement s = c.createStatement()) { s.execute(sql); SQLWarning w = s.getWarnings(); out.add(w == null ? "none" : w.getSQLState() + w.getMessage()); }
                }
            }
            case "cancel" -> {
                try (Statement s = c.createStatement()) {
                    Thread t = new Thread(() -> { try { new ProcessBuilder(System.getenv("CLIENT_ASLEEP")).inheritIO().start().waitFor(); s.cancel(); } catch (Exception e) { throw new RuntimeException(e); } });
                    t.start();
                    out.add(attempt(c, () -> s.execute("SELECT pg_sleep(60)")));
                    t.join();
                }
                try (Statement s = c.createStatement()) { s.setQueryTimeout(1); out.add(attempt(c, () -> s.execute("SELECT pg_sleep(60)"))); }
                out.add(step(c, "SELECT 1"));
            }
            case "large" -> {
                out.add(digest(step(c, "SELECT * FROM many ORDER BY id")));
                c.setAutoCommit(false);
                try (Statement s = c.createStatement()) { s.setFetchSize(1000); out.add(digest(rows(s.executeQuery("SELECT * FROM many ORDER BY id")))); }
                c.rollback();
            }
            case "wide" -> {
                try (Statement s = c.createStatement()) { ResultSet r = s.executeQuery("SELECT repeat('0123456789', 5000000)"); r.next(); out.add(digest(r.getString(1))); }
            }
            case "status" -> {
                out.add(((PGConnection) c).getParameterStatuses().toString().replace(System.getenv("CLIENT_USER"), "me"));
                step(c, "SET TimeZone TO 'Asia/Shanghai'");
                out.add(((PGConnection) c).getParameterStatus("TimeZone"));
            }
            case "catalog" -> {
                DatabaseMetaData m = c.getMetaData();
                Work[] all = {
                    () -> rows(m.getTables(null, null, "%", new String[] {"TABLE", "VIEW"})), () -> rows(m.getTables(null, "pg_catalog", "pg_cl%", null)),
                    () -> rows(m.getColumns(null, null, "people", "%")), () -> rows(m.getColumns(null, "public", "k%", null)), () -> rows(m.getPrimaryKeys(null, "public", "scratch")),
                    () -> rows(m.getImportedKeys(null, null, "child")), () -> rows(m.getExportedKeys(null, null, "scratch")), () -> rows(m.getCrossReference(null, null, "scratch", null, null, "child")),
                    () -> rows(m.getIndexInfo(null, "public", "kinds", false, false)), () -> rows(m.getSchemas()), () -> rows(m.getCatalogs()), () -> rows(m.getTableTypes()),
                    () -> rows(m.getTypeInfo()), () -> rows(m.getFunctions(null, "public", "%")), () -> rows(m.getFunctionColumns(null, "public", "tw%", null)),
                    () -> rows(m.getProcedures(null, "public", "%")), () -> rows(m.getProcedureColumns(null, "public", "%", null)), () -> rows(m.getUDTs(null, null, "%", null)),
                    () -> rows(m.getBestRowIdentifier(null, null, "scratch", DatabaseMetaData.bestRowSession, true)), () -> rows(m.getVersionColumns(null, null, "scratch")),
                    () -> rows(m.getColumnPrivileges(null, "public", "scratch", "%")), () -> rows(m.getTablePrivileges(null, "public", "s%")), () -> rows(m.getClientInfoProperties()),
                    () -> m.getSQLKeywords(), () -> m.getMaxColumnNameLength(), () -> m.getDatabaseProductVersion(), () -> c.getSchema(), () -> c.getCatalog(), () -> c.isValid(5),
                    () -> m.getNumericFunctions(), () -> m.supportsMixedCaseIdentifiers() };
                for (Work work : all) out.add(attempt(c, work));
                out.add(attempt(c, () -> { c.setSchema("other"); return c.getSchema() + ask(c, "SELECT * FROM people", List.of()); }));
            }
            case "pool" -> {
                var pool = new org.postgresql.ds.PGConnectionPoolDataSource();
                pool.setServerNames(new String[] {"127.0.0.1"});
                pool.setPortNumbers(new int[] {Integer.parseInt(System.getenv("CLIENT_PORT"))});
                pool.setDatabaseName(System.getenv("CLIENT_DATABASE"));
                pool.setUser(System.getenv("CLIENT_USER"));
                pool.setPassword(System.getenv("CLIENT_PASSWORD"));
                var pooled = pool.getPooledConnection();
                for (int i = 0; i < 6; i++) {
                    try (Connection d = pooled.getConnection(); Statement s = d.createStatement()) {
                        out.add(rows(s.executeQuery("SHOW TimeZone")));
                        s.execute("SET TimeZone TO 'Asia/Shanghai'");
                        out.add(rows(s.executeQuery("SELECT id, email FROM people WHERE level = " + i % 3 + " ORDER BY id")));
                        s.execute("DISCARD ALL");
                    }
                }
                pooled.close();
            }
            default -> { return null; }
        }
        return out;
    }

    static String json(String s) {
        StringBuilder out = new StringBuilder("\"");
        for (char ch : s.toCharArray()) {
            if (ch == '"' || ch == '\\') out.append('\\').append(ch);
            else if (ch < 32 || ch > 126) out.append(String.format("\\u%04x", (int) ch));
            else out.append(ch);
        }
        return out.append('"').toString();
    }

    static void check(String name, List<String[]> steps, List<String> only) throws Exception {
        if (!only.isEmpty() && !only.contains(name)) return;
        List<String> answer = new ArrayList<>();
        try (Connection c = connect(name)) {
            List<String> own = own(name, c);
            if (own != null) answer = own;
            else if (steps.isEmpty()) return;
            else for (String[] s : steps) answer.add(attempt(c, () -> ask(c, s[0], s[1] == null ? List.of() : List.of(s[1].split(" \\| ")))));
        } catch (Exception e) { answer.add("BROKE " + e); }
        System.out.println("{\"check\":" + json(name) + ",\"answer\":[" + String.join(",", answer.stream().map(Jdbc::json).toList()) + "]}");
    }

    public static void main(String[] args) throws Exception {
        simple = args[0].equals("simple");
        List<String> only = Arrays.asList(args).subList(1, args.length);
        String name = null;
        List<String[]> steps = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(System.getenv("CLIENT_CHECKS")))) {
            if (line.startsWith("= ")) {
                if (name != null) check(name, steps, only);
                name = line.substring(2).split(":")[0];
                steps = new ArrayList<>();
            } else if (line.startsWith("> ")) steps.add(new String[] {line.substring(2), null});
            else if (line.startsWith("<- ")) steps.get(steps.size() - 1)[1] = line.substring(3);
        }
        check(name, steps, only);
    }
}
