"""psycopg 3: `text` and `binary` results."""

import hashlib
import io
import sys
import threading

import psycopg
import psycopg_pool
from psycopg import pq

import ask
from ask import Driver, percent

MASKED = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = %s ORDER BY id"


class Psycopg3(Driver):
    Error = psycopg.Error
    scripts = True

    def __init__(self, binary):
        self.binary = binary
        self.cursor = {"binary": binary}

    def conninfo(self, name):
        return f"host={ask.HOST} port={ask.PORT} user={ask.USER} password={ask.PASSWORD} dbname={ask.DATABASE} application_name={name}"

    def connect(self, name):
        return psycopg.connect(self.conninfo(name), autocommit=True)

    def close(self, connection):
        connection.close()

    def status(self, connection):
        return connection.info.transaction_status.name

    def sqlstate(self, error):
        return error.sqlstate, error.diag.message_primary if error.diag.sqlstate else str(error)

    def rows(self, cursor):
        if cursor.description is None:
            return cursor.statusmessage
        return [(c.name, c.type_code, c.internal_size, c.precision, c.scale) for c in cursor.description], cursor.fetchall(), cursor.statusmessage

    def ask(self, connection, sql, parameters):
        with connection.cursor(**self.cursor) as cursor:
            return self.rows(cursor.execute(percent(sql, parameters), parameters or None))

    def check_save(self, c):
        c.adapters.register_dumper(dict, psycopg.types.json.JsonbBinaryDumper if self.binary else psycopg.types.json.JsonbDumper)

        def fetch(sql, parameters):
            with c.cursor(**self.cursor) as cursor:
                cursor.execute(percent(sql, parameters).replace("%s", "%b" if self.binary else "%t"), parameters)
                return cursor.fetchall() if cursor.description else []
        return self.saved(c, fetch)

    def check_multi(self, c):
        def several(sql):
            with c.cursor() as cursor:
                cursor.execute(sql)
                found = [self.rows(cursor)]
                while cursor.nextset():
                    found.append(self.rows(cursor))
                return found
        return [self.attempt(c, lambda: several(sql)) for sql in (
            "SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2",
            "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2",
            "BEGIN; SELECT 1; COMMIT", "SELECT count(*) FROM scratch", "DELETE FROM scratch WHERE id > 9", ";", "")]

    def check_reuse(self, c):
        def many():
            return [c.execute(MASKED, (i % 3,), prepare=True).fetchall() for i in range(8)]
        with_threshold = psycopg.connect(self.conninfo("reuse"), autocommit=True, prepare_threshold=2)
        with with_threshold as d:
            late = [d.execute(MASKED, (i % 3,), binary=self.binary).fetchall() for i in range(8)]
            return [self.attempt(c, many), late, self.attempt(d, lambda: d.execute("SELECT secret FROM vault", prepare=True).fetchall()), self.step(d, "SELECT 1")]

    def check_binary(self, c):
        cursor = c.cursor(binary=True)
        def both(sql, parameters=None):
            return self.rows(cursor.execute(sql, parameters))
        return [self.attempt(c, lambda: both(sql, p)) for sql, p in (
            ("SELECT * FROM kinds ORDER BY id", None), (MASKED.replace("%s", "%b"), (1,)),
            ("SELECT id, joined, key, photo, notes FROM people WHERE id = ANY(%b) ORDER BY id", ([1, 2, 3],)),
            ("SELECT id FROM scratch WHERE label = %b", ("二",)), ("SELECT secret FROM vault WHERE id = %b", (1,)), ("SELECT 1", None))]

    def check_pieces(self, c):
        with c.transaction(), c.cursor(name="server", scrollable=False, **({} if not self.binary else {})) as cursor:
            cursor.itersize = 5
            cursor.execute("SELECT id, email, town FROM people ORDER BY id")
            found = [cursor.fetchone(), cursor.fetchmany(3), list(cursor)]
        return [found, self.step(c, "SELECT 1")]

    def check_pipeline(self, c):
        def good():
            with c.pipeline():
                cursors = [c.execute(MASKED, (i % 3,)) for i in range(200)]
            return [x.fetchall() for x in cursors]
        def bad():
            # which later call hears of the error first depends on what has arrived: the end of the pipeline always does
            with c.pipeline():
                c.execute("INSERT INTO scratch VALUES (60, 'sixty', 1)")
                c.execute("SELECT secret FROM vault")
                c.execute("SELECT 1")
        return [self.attempt(c, good), self.attempt(c, bad), self.step(c, "SELECT 4"), self.step(c, "SELECT count(*) FROM scratch"), self.step(c, "DELETE FROM scratch WHERE id > 9")]

    def check_batch(self, c):
        def batch():
            with c.transaction(force_rollback=True):
                cursor = c.cursor()
                cursor.executemany("INSERT INTO scratch VALUES (%s, %s, %s)", [(100 + i, f"批{i}", i) for i in range(300)])
                done = cursor.rowcount
                cursor.executemany("UPDATE scratch SET n = %s WHERE id = %s RETURNING n", [(i, 100 + i) for i in range(5)], returning=True)
                return done, [r.fetchall() for r in cursor.results()], c.execute("SELECT sum(n) FROM scratch").fetchall()
        return [self.attempt(c, batch)]

    def copied(self, c, sql):
        with c.cursor() as cursor, cursor.copy(sql) as copy:
            return b"".join(bytes(x) for x in copy)

    def check_copyout(self, c):
        found = []
        for form in ("text", "csv", "csv, HEADER, FORCE_QUOTE *", "binary"):
            for what in ("people", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "staff", "scratch (label, n)", "vault (secret)"):
                found.append(self.attempt(c, lambda: self.copied(c, f"COPY {what} TO STDOUT WITH (FORMAT {form})")))
        def typed():
            with c.cursor() as cursor, cursor.copy("COPY people (id, email) TO STDOUT (FORMAT binary)") as copy:
                copy.set_types(["int4", "text"])
                return list(copy.rows())
        return [*found, self.attempt(c, typed), self.step(c, "SELECT 1")]

    def check_copyin(self, c):
        def into(sql, rows, types=None):
            with c.transaction(force_rollback=True):
                with c.cursor() as cursor:
                    with cursor.copy(sql) as copy:
                        if types:
                            copy.set_types(types)
                        for row in rows:
                            copy.write_row(row)
                return cursor.rowcount, c.execute("SELECT * FROM scratch ORDER BY id").fetchall()
        rows = [(100 + i, f"复制\t\n{i}", i) for i in range(500)]
        return [self.attempt(c, lambda: into("COPY scratch FROM STDIN", rows)),
                self.attempt(c, lambda: into("COPY scratch (id, label, n) FROM STDIN (FORMAT binary)", rows, ["int4", "text", "int4"])),
                self.attempt(c, lambda: into("COPY scratch FROM STDIN", [(1, "dup", 1)])),
                self.attempt(c, lambda: into("COPY vault FROM STDIN", [(9, "x", "y")])) if ask.USER != "governed" else "",
                self.step(c, "SELECT count(*) FROM scratch")]

    def check_notify(self, c):
        c.execute("LISTEN news")
        with self.connect("notify2") as other:
            other.execute("NOTIFY news, '你好'")
            other.execute("SELECT pg_notify('news', 'again')")
        found = [(n.channel, n.payload) for n in c.notifies(timeout=10, stop_after=2)]
        return [found, self.step(c, "UNLISTEN *")]

    def check_notices(self, c):
        seen = []
        c.add_notice_handler(lambda d: seen.append((d.severity, d.sqlstate, d.message_primary)))
        return [self.step(c, "ROLLBACK"), self.step(c, "SET LOCAL TimeZone TO 'UTC'"), seen]

    def check_cancel(self, c):
        other = threading.Thread(target=lambda: (ask.asleep(), c.cancel_safe(timeout=10)))
        other.start()
        said = self.step(c, "SELECT pg_sleep(60)")
        other.join()
        return [said, self.step(c, "SELECT 1")]

    def check_large(self, c):
        digest = hashlib.sha256()
        with c.cursor(**self.cursor) as cursor:
            for row in cursor.stream("SELECT id, email, n FROM many ORDER BY id"):
                digest.update(repr(row).encode())
        return [digest.hexdigest(), hashlib.sha256(repr(c.execute("SELECT * FROM many ORDER BY id").fetchall()).encode()).hexdigest()]

    def check_wide(self, c):
        value = c.execute("SELECT repeat('0123456789', 5000000)").fetchone()[0]
        return [len(value), hashlib.sha256(value.encode()).hexdigest()]

    def check_status(self, c):
        names = ("server_version", "server_encoding", "client_encoding", "application_name", "DateStyle", "IntervalStyle", "TimeZone",
                 "integer_datetimes", "standard_conforming_strings", "is_superuser")
        before = [c.info.parameter_status(n) for n in names]
        c.execute("SET TimeZone TO 'Asia/Shanghai'")
        return [before, c.info.parameter_status("TimeZone"), c.info.server_version]

    def check_catalog(self, c):
        found = [repr(psycopg.types.TypeInfo.fetch(c, name)) for name in ("mood", "point3", "people")]
        return [*found, repr(psycopg.types.enum.EnumInfo.fetch(c, "mood").labels), repr(psycopg.types.composite.CompositeInfo.fetch(c, "point3").field_names),
                repr(psycopg.types.range.RangeInfo.fetch(c, "int4range"))]

    def check_pool(self, c):
        found = []
        with psycopg_pool.ConnectionPool(self.conninfo("pool"), min_size=1, max_size=3, reset=lambda c: c.execute("DISCARD ALL"), kwargs={"autocommit": True}) as pool:
            for i in range(6):
                with pool.connection() as c:
                    found.append(c.execute("SHOW TimeZone").fetchone())
                    c.execute("SET TimeZone TO 'Asia/Shanghai'")
                    found.append(c.execute(MASKED, (i % 3,)).fetchall())
        return found


if __name__ == "__main__":
    ask.run(Psycopg3(sys.argv[1] == "binary"))
