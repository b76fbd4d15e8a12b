"""asyncpg: the extended protocol, binary both ways, and its own introspection of types."""

import asyncio
import hashlib
import io

import asyncpg

import ask
from ask import Driver

MASKED = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = $1 ORDER BY id"
LOOP = asyncio.new_event_loop()


def wait(work):
    return LOOP.run_until_complete(work)


class Asyncpg(Driver):
    Error = asyncpg.PostgresError
    scripts = True

    def connecting(self, name, **more):
        return asyncpg.connect(host=ask.HOST, port=ask.PORT, user=ask.USER, password=ask.PASSWORD, database=ask.DATABASE, ssl=False,
                               server_settings={"application_name": name}, **more)

    def connect(self, name):
        return wait(self.connecting(name))

    def close(self, connection):
        wait(connection.close())

    def status(self, connection):
        return "T" if connection.is_in_transaction() else "I"

    def sqlstate(self, error):
        return error.sqlstate, error.message if hasattr(error, "message") else str(error)

    async def rows(self, connection, sql, *parameters):
        statement = await connection.prepare(sql)
        rows = await statement.fetch(*parameters)
        return [(a.name, a.type.name, a.type.kind) for a in statement.get_attributes()], [p.name for p in statement.get_parameters()], rows, statement.get_statusmsg()

    def ask(self, connection, sql, parameters):
        return wait(self.rows(connection, sql, *parameters))

    def check_query(self, c):
        return [self.attempt(c, lambda: wait(c.execute("SELECT 1"))), self.attempt(c, lambda: wait(c.fetch("SELECT id, email, phone FROM people ORDER BY id"))),
                self.attempt(c, lambda: wait(c.fetchval("SELECT count(*) FROM people"))), self.attempt(c, lambda: wait(c.execute("SELECT secret FROM vault"))),
                self.attempt(c, lambda: wait(c.fetch("SELECT id, label FROM scratch ORDER BY id")))]

    def check_save(self, c):
        return self.saved(c, lambda sql, parameters: wait(c.fetch(sql, *parameters)))

    def check_multi(self, c):
        return [self.attempt(c, lambda: wait(c.execute(sql))) for sql in (
            "SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2",
            "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2", "BEGIN; SELECT 1; COMMIT")] + [self.step(c, "SELECT count(*) FROM scratch"), self.step(c, "DELETE FROM scratch WHERE id > 9")]

    def check_reuse(self, c):
        async def many():
            statement = await c.prepare(MASKED)
            named = await c.prepare(MASKED, name="mine")
            return [await statement.fetch(i % 3) for i in range(8)] + [await named.fetchrow(1), await named.fetchval(2, column=1)]
        return [self.attempt(c, lambda: wait(many())), *[self.attempt(c, lambda: wait(c.fetch(MASKED, i))) for i in range(3)],
                self.attempt(c, lambda: wait(c.fetch("SELECT secret FROM vault WHERE id = $1", 1))), self.step(c, "SELECT 1")]

    def check_binary(self, c):
        return [self.step(c, "SELECT * FROM kinds ORDER BY id"), self.step(c, "SELECT id, joined, key, photo, notes FROM people WHERE id = ANY($1) ORDER BY id", ([1, 2, 3],))]

    def check_pieces(self, c):
        async def pieces():
            async with c.transaction():
                cursor = await c.cursor("SELECT id, email, town FROM people ORDER BY id")
                found = [await cursor.fetchrow(), await cursor.fetch(3), await cursor.forward(2)]
                found += [row async for row in c.cursor(MASKED, 1, prefetch=2)]
                return found
        return [self.attempt(c, lambda: wait(pieces()))]

    def check_batch(self, c):
        async def batch():
            transaction = c.transaction()
            await transaction.start()
            await c.executemany("INSERT INTO scratch VALUES ($1, $2, $3)", [(100 + i, f"批{i}", i) for i in range(300)])
            found = await c.fetch("SELECT sum(n), count(*) FROM scratch")
            many = await c.fetchmany("UPDATE scratch SET n = $1 WHERE id = $2 RETURNING n", [(i, 100 + i) for i in range(5)])
            await transaction.rollback()
            return found, many
        return [self.attempt(c, lambda: wait(batch())), self.step(c, "SELECT count(*) FROM scratch")]

    def check_copyout(self, c):
        found = []
        def copied(work):
            out = io.BytesIO()
            said = wait(work(out))
            return out.getvalue(), said
        for form in ("text", "csv", "binary"):
            found.append(self.attempt(c, lambda: copied(lambda out: c.copy_from_table("people", output=out, format=form))))
            found.append(self.attempt(c, lambda: copied(lambda out: c.copy_from_table("people", columns=["id", "email"], output=out, format=form))))
            found.append(self.attempt(c, lambda: copied(lambda out: c.copy_from_query(MASKED, 1, output=out, format=form))))
            found.append(self.attempt(c, lambda: copied(lambda out: c.copy_from_table("vault", columns=["secret"], output=out, format=form))))
        return [*found, self.step(c, "SELECT 1")]

    def check_copyin(self, c):
        async def into():
            transaction = c.transaction()
            await transaction.start()
            said = [await c.copy_records_to_table("scratch", records=[(100 + i, f"复制{i}", i) for i in range(500)])]
            said.append(await c.copy_to_table("scratch", source=io.BytesIO("9000,复制,1\n".encode()), format="csv"))
            said.append(await c.fetch("SELECT * FROM scratch ORDER BY id"))
            await transaction.rollback()
            return said
        return [self.attempt(c, lambda: wait(into())), self.attempt(c, lambda: wait(c.copy_records_to_table("scratch", records=[(1, "dup", 1)]))),
                self.step(c, "SELECT count(*) FROM scratch")]

    def check_notify(self, c):
        async def hear():
            seen, two = [], asyncio.Event()
            def heard(_, pid, channel, payload):
                seen.append((channel, payload))
                if len(seen) == 2:
                    two.set()
            await c.add_listener("news", heard)
            other = await self.connecting("notify2")
            await other.execute("NOTIFY news, '你好'")
            await other.fetch("SELECT pg_notify('news', $1)", "again")
            await other.close()
            await asyncio.wait_for(two.wait(), 10)
            await c.remove_listener("news", heard)
            return seen
        return [self.attempt(c, lambda: wait(hear()))]

    def check_notices(self, c):
        async def hear():
            seen = []
            c.add_log_listener(lambda _, m: seen.append((m.severity, m.sqlstate, m.message)))
            await c.execute("ROLLBACK")
            await c.execute("SET LOCAL TimeZone TO 'UTC'")
            await asyncio.sleep(0)
            return seen
        return [self.attempt(c, lambda: wait(hear()))]

    def check_cancel(self, c):
        async def late():
            running = asyncio.ensure_future(c.fetch("SELECT pg_sleep(60)"))
            await asyncio.get_running_loop().run_in_executor(None, ask.asleep)
            running.cancel()
            try:
                await running
            except asyncio.CancelledError:
                return "cancelled", await c.fetchval("SELECT 1")
        return [self.attempt(c, lambda: wait(late()))]

    def check_large(self, c):
        return [hashlib.sha256(repr(wait(c.fetch("SELECT * FROM many ORDER BY id"))).encode()).hexdigest()]

    def check_wide(self, c):
        value = wait(c.fetchval("SELECT repeat('0123456789', 5000000)"))
        return [len(value), hashlib.sha256(value.encode()).hexdigest()]

    def check_status(self, c):
        before = [repr(c.get_settings()).replace(ask.USER, "me"), c.get_server_version()]
        wait(c.execute("SET TimeZone TO 'Asia/Shanghai'"))
        return [*before, c.get_settings().TimeZone]

    def check_catalog(self, c):
        async def types():
            await c.set_builtin_type_codec("mood", codec_name="text") if False else None
            await c.set_type_codec("json", encoder=str, decoder=lambda v: ("json", v), schema="pg_catalog")
            await c.reload_schema_state()
            return await c.fetch("SELECT t, u, ai, aa, ac, ad, v FROM kinds ORDER BY id")
        return [self.attempt(c, lambda: wait(types()))]

    def check_pool(self, c):
        async def pooled():
            found = []
            async with asyncpg.create_pool(host=ask.HOST, port=ask.PORT, user=ask.USER, password=ask.PASSWORD, database=ask.DATABASE, ssl=False, min_size=1, max_size=3) as pool:
                for i in range(6):
                    async with pool.acquire() as d:
                        found.append(await d.fetchval("SHOW TimeZone"))
                        await d.execute("SET TimeZone TO 'Asia/Shanghai'")
                        found.append(await d.fetch(MASKED, i % 3))
                found += await asyncio.gather(*[pool.fetch(MASKED, i % 3) for i in range(9)])
            return found
        return [self.attempt(c, lambda: wait(pooled()))]


ask.run(Asyncpg())
