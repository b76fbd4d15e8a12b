"""pg8000: the extended protocol in pure Python."""

import hashlib
import io

import pg8000.dbapi
import pg8000.native

import ask
from ask import Driver

MASKED = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = :level ORDER BY id"


class Pg8000(Driver):
    Error = (pg8000.native.Error, pg8000.dbapi.Error)
    scripts = True

    def connect(self, name):
        return pg8000.native.Connection(ask.USER, host=ask.HOST, port=ask.PORT, password=ask.PASSWORD, database=ask.DATABASE, application_name=name)

    def close(self, connection):
        connection.close()

    def status(self, connection):
        return connection._transaction_status

    def sqlstate(self, error):
        said = error.args[0]
        return (said["C"], said["M"]) if isinstance(said, dict) else ("?", said)

    def ask(self, connection, sql, parameters):
        named = {f"p{i + 1}": p for i, p in enumerate(parameters)}
        if parameters:
            for i in range(len(parameters)):
                sql = sql.replace(f"${i + 1}", f":p{i + 1}")
        else:
            sql = sql.replace("'[", "'[")
        rows = connection.run(sql, **named)
        columns = [(c["name"], c["type_oid"], c["type_size"], c["type_modifier"]) for c in connection.columns or []]
        return columns, rows, connection.row_count

    def check_query(self, c):
        said = [self.attempt(c, lambda: c.execute_simple(sql).rows) for sql in ("SELECT 1; SELECT id, email FROM people ORDER BY id", "SELECT secret FROM vault", "SELECT 1")]
        return [*said, self.step(c, "SELECT id, label, n FROM scratch ORDER BY id")]

    def check_reuse(self, c):
        statement = c.prepare(MASKED)
        found = [self.attempt(c, lambda: statement.run(level=i % 3)) for i in range(8)]
        statement.close()
        return [*found, self.attempt(c, lambda: c.prepare("SELECT secret FROM vault").run()), self.step(c, "SELECT 1")]

    def check_batch(self, c):
        d = pg8000.dbapi.connect(ask.USER, host=ask.HOST, port=ask.PORT, password=ask.PASSWORD, database=ask.DATABASE)
        cursor = d.cursor()
        cursor.executemany("INSERT INTO scratch VALUES (%s, %s, %s)", [(100 + i, f"批{i}", i) for i in range(100)])
        cursor.execute("SELECT sum(n), count(*) FROM scratch")
        found = [cursor.fetchall(), cursor.rowcount]
        d.rollback()
        d.close()
        return [*found, self.step(c, "SELECT count(*) FROM scratch")]

    def check_copyout(self, c):
        found = []
        def copied(sql):
            out = io.BytesIO()
            c.run(sql, stream=out)
            return out.getvalue()
        for form in ("text", "csv", "binary"):
            for what in ("people", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "vault (secret)"):
                found.append(self.attempt(c, lambda: copied(f"COPY {what} TO STDOUT WITH (FORMAT {form})")))
        return [*found, self.step(c, "SELECT 1")]

    def check_copyin(self, c):
        c.run("BEGIN")
        said = self.attempt(c, lambda: c.run("COPY scratch FROM STDIN WITH (FORMAT csv)", stream=io.StringIO("".join(f"{100 + i},复制{i},{i}\n" for i in range(500)))))
        found = [said, self.step(c, "SELECT * FROM scratch ORDER BY id")]
        c.run("ROLLBACK")
        return found

    def check_notify(self, c):
        c.run("LISTEN news")
        other = self.connect("notify2")
        other.run("NOTIFY news, 'hello'")
        other.close()
        for _ in range(100):
            c.run("SELECT 1")
            if c.notifications:
                break
        return [[(n[1], n[2]) for n in c.notifications]]

    def check_notices(self, c):
        return [self.step(c, "ROLLBACK"), [{k: v for k, v in n.items() if k in (b"C", b"S", b"M")} for n in c.notices]]

    def check_large(self, c):
        return [hashlib.sha256(repr(c.run("SELECT * FROM many WHERE id <= 30000 ORDER BY id")).encode()).hexdigest()]

    def check_status(self, c):
        before = sorted((k, v) for k, v in c.parameter_statuses.items())
        c.run("SET TimeZone TO 'Asia/Shanghai'")
        return [str(before).replace(ask.USER, "me"), c.parameter_statuses["TimeZone"]]


ask.run(Pg8000())
