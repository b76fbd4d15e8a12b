"""psycopg2: the simple protocol alone."""

import hashlib
import io
import select
import threading

import psycopg2
import psycopg2.extensions
import psycopg2.extras
import psycopg2.pool

import ask
from ask import Driver, percent

MASKED = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = %s ORDER BY id"


class Psycopg2(Driver):
    Error = psycopg2.Error
    scripts = True

    def connect(self, name):
        connection = psycopg2.connect(host=ask.HOST, port=ask.PORT, user=ask.USER, password=ask.PASSWORD, dbname=ask.DATABASE, application_name=name)
        connection.autocommit = True
        return connection

    def close(self, connection):
        connection.close()

    def status(self, connection):
        return connection.get_transaction_status()

    def sqlstate(self, error):
        return error.pgcode, error.diag.message_primary

    def ask(self, connection, sql, parameters):
        with connection.cursor() as cursor:
            parameters = [psycopg2.Binary(p) if isinstance(p, bytes) else p for p in parameters]
            cursor.execute(percent(sql, parameters), parameters or None)
            if cursor.description is None:
                return cursor.statusmessage
            return [tuple(c) + (c.table_column is None,) for c in cursor.description], [tuple(bytes(v) if isinstance(v, memoryview) else v for v in r) for r in cursor.fetchall()], cursor.statusmessage

    def check_save(self, c):
        psycopg2.extensions.register_adapter(dict, psycopg2.extras.Json)

        def fetch(sql, parameters):
            with c.cursor() as cursor:
                cursor.execute(percent(sql, parameters), parameters)
                return cursor.fetchall() if cursor.description else []
        return self.saved(c, fetch)

    def check_multi(self, c):
        return [self.step(c, sql) for sql in (
            "SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2",
            "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2", "SELECT count(*) FROM scratch", "DELETE FROM scratch WHERE id > 9", "BEGIN; SELECT 1; COMMIT", ";")]

    def check_pieces(self, c):
        c.autocommit = False
        with c.cursor(name="server") as cursor:
            cursor.itersize = 5
            cursor.execute("SELECT id, email, town FROM people ORDER BY id")
            found = [cursor.fetchone(), cursor.fetchmany(3), list(cursor)]
        c.rollback()
        with c.cursor(name="held", withhold=True, scrollable=True) as cursor:
            cursor.execute("SELECT id, email FROM people ORDER BY id")
            c.commit()
            cursor.scroll(4)
            found.append(cursor.fetchmany(2))
        c.rollback()
        return found

    def check_batch(self, c):
        def batch():
            c.autocommit = False
            with c.cursor() as cursor:
                psycopg2.extras.execute_values(cursor, "INSERT INTO scratch VALUES %s", [(100 + i, f"批{i}", i) for i in range(300)])
                psycopg2.extras.execute_batch(cursor, "UPDATE scratch SET n = %s WHERE id = %s", [(i, 100 + i) for i in range(50)])
                cursor.execute("SELECT sum(n), count(*) FROM scratch")
                found = cursor.fetchall()
            c.rollback()
            return found
        return [self.attempt(c, batch)]

    def check_copyout(self, c):
        found = []
        def copied(sql):
            out = io.BytesIO()
            with c.cursor() as cursor:
                cursor.copy_expert(sql, out)
            return out.getvalue()
        for form in ("text", "csv", "csv, HEADER, FORCE_QUOTE *", "binary"):
            for what in ("people", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "staff", "scratch (label, n)", "vault (secret)"):
                found.append(self.attempt(c, lambda: copied(f"COPY {what} TO STDOUT WITH (FORMAT {form})")))
        out = io.StringIO()
        with c.cursor() as cursor:
            cursor.copy_to(out, "people", columns=("id", "email"))
        return [*found, out.getvalue(), self.step(c, "SELECT 1")]

    def check_copyin(self, c):
        def into():
            c.autocommit = False
            with c.cursor() as cursor:
                cursor.copy_from(io.StringIO("".join(f"{100 + i}\t复制{i}\t{i}\n" for i in range(500))), "scratch")
                cursor.execute("SELECT * FROM scratch ORDER BY id")
                found = cursor.fetchall()
            return found
        def bad():
            with c.cursor() as cursor:
                cursor.copy_expert("COPY scratch FROM STDIN (FORMAT csv)", io.StringIO("1,dup,1\n"))
        found = [self.attempt(c, into)]
        c.rollback()
        c.autocommit = True
        return [*found, self.attempt(c, bad), self.step(c, "SELECT count(*) FROM scratch")]

    def check_notify(self, c):
        self.step(c, "LISTEN news")
        other = self.connect("notify2")
        self.step(other, "NOTIFY news, '你好'")
        self.step(other, "SELECT pg_notify('news', 'again')")
        other.close()
        while len(c.notifies) < 2 and select.select([c], [], [], 10)[0]:
            c.poll()
        return [[(n.channel, n.payload) for n in c.notifies], self.step(c, "UNLISTEN *")]

    def check_notices(self, c):
        return [self.step(c, "ROLLBACK"), self.step(c, "SET LOCAL TimeZone TO 'UTC'"), c.notices]

    def check_cancel(self, c):
        other = threading.Thread(target=lambda: (ask.asleep(), c.cancel()))
        other.start()
        said = self.step(c, "SELECT pg_sleep(60)")
        other.join()
        return [said, self.step(c, "SELECT 1")]

    def check_large(self, c):
        return [hashlib.sha256(self.step(c, "SELECT * FROM many ORDER BY id").encode()).hexdigest()]

    def check_wide(self, c):
        with c.cursor() as cursor:
            cursor.execute("SELECT repeat('0123456789', 5000000)")
            value = cursor.fetchone()[0]
        return [len(value), hashlib.sha256(value.encode()).hexdigest()]

    def check_status(self, c):
        names = ("server_version", "server_encoding", "client_encoding", "application_name", "DateStyle", "IntervalStyle", "TimeZone",
                 "integer_datetimes", "standard_conforming_strings", "is_superuser")
        before = [c.get_parameter_status(n) for n in names]
        self.step(c, "SET TimeZone TO 'Asia/Shanghai'")
        return [before, c.get_parameter_status("TimeZone"), c.server_version]

    def check_catalog(self, c):
        range_type = psycopg2.extras.register_composite("point3", c)
        return [range_type.attnames, range_type.atttypes, self.attempt(c, lambda: psycopg2.extras.register_hstore(c)) if False else "",
                psycopg2.extras.register_range("int4range", psycopg2.extras.NumericRange, c).__class__.__name__]

    def check_pool(self, c):
        pool = psycopg2.pool.SimpleConnectionPool(1, 2, host=ask.HOST, port=ask.PORT, user=ask.USER, password=ask.PASSWORD, dbname=ask.DATABASE)
        found = []
        for i in range(6):
            d = pool.getconn()
            d.reset()
            d.autocommit = True
            found += [self.step(d, "SHOW TimeZone"), self.step(d, "SET TimeZone TO 'Asia/Shanghai'"), self.step(d, MASKED.replace("%s", str(i % 3)))]
            self.step(d, "DISCARD ALL")
            pool.putconn(d)
        pool.closeall()
        return found


ask.run(Psycopg2())
