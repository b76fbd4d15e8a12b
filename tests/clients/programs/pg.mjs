// node-postgres, with pg-cursor and pg-query-stream.
import { MASKED, asleep, digest, need, run, show, where } from './ask.mjs'

const pg = need('pg')
const Cursor = need('pg-cursor')
const QueryStream = need('pg-query-stream')

async function connect(name) {
  const client = new pg.Client({ ...where, application_name: name })
  client.on('error', () => {})
  await client.connect()
  client.transaction = '?'
  client.connection.on('readyForQuery', m => { client.transaction = m.status })
  return client
}

const results = r => (Array.isArray(r) ? r : [r]).map(x => [x.command, x.rowCount, x.fields.map(f => [f.name, f.dataTypeID, f.dataTypeSize, f.dataTypeModifier, f.format]), x.rows])

await run({
  connect, close: c => c.end(),
  // An error is heard before the end of its query.
  status: async c => {
    if (!c.readyForQuery) await new Promise(done => c.connection.once('readyForQuery', done))
    return c.transaction
  },
  ask: async (c, sql, parameters) => results(await c.query({ text: sql, values: parameters, rowMode: 'array' })),
  own: {
    async multi(c) {
      const said = []
      for (const sql of ['SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2', "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2",
        'BEGIN; SELECT 1; COMMIT', 'SELECT count(*) FROM scratch', 'DELETE FROM scratch WHERE id > 9', ';', '']) said.push(await this.step(c, sql))
      return said
    },
    async reuse(c) {
      const said = []
      const ask = i => this.attempt(c, async () => (await c.query({ name: 'mine', text: MASKED, values: [i % 3], rowMode: 'array' })).rows)
      for (let i = 0; i < 8; i++) said.push(await ask(i))
      said.push(await this.attempt(c, async () => (await c.query({ name: 'bad', text: 'SELECT secret FROM vault WHERE id = $1', values: [1] })).rows))
      return [...said, await ask(1), await this.step(c, 'SELECT 1')]
    },
    async binary(c) {
      const ask = (text, values) => this.attempt(c, async () => results(await c.query({ text, values, binary: true, rowMode: 'array' })))
      return [await ask(MASKED, [1]), await ask('SELECT id, key, photo FROM people WHERE id = ANY($1) ORDER BY id', [[1, 2, 3]]),
        await ask('SELECT id, a, b, c, e, f, i, l FROM kinds ORDER BY id', []), await ask('SELECT secret FROM vault', []), await ask('SELECT 1', [])]
    },
    async pieces(c) {
      const cursor = c.query(new Cursor('SELECT id, email, town FROM people ORDER BY id', [], { rowMode: 'array' }))
      const found = [await cursor.read(1), await cursor.read(3), await cursor.read(100), await cursor.read(1)]
      await cursor.close()
      const half = c.query(new Cursor(MASKED, [1]))
      found.push(await half.read(2))
      await half.close()
      const rows = []
      for await (const row of c.query(new QueryStream(MASKED, [2], { batchSize: 2 }))) rows.push(row)
      const bad = c.query(new Cursor('SELECT secret FROM vault', []))
      return [...found, rows, await this.attempt(c, () => bad.read(100)), await this.step(c, 'SELECT 1')]
    },
    async pipeline(c) {
      // Queued at once: the driver sends each as the one before has ended.
      const said = await Promise.allSettled([...Array(100).keys()].map(i => c.query({ text: i === 50 ? 'SELECT secret FROM vault WHERE id = $1' : MASKED, values: [i % 3], rowMode: 'array' })))
      return said.map(s => s.status === 'fulfilled' ? show(s.value.rows) : `ERROR ${s.reason.code} ${s.reason.message} [I]`)
    },
    async notify(c) {
      const seen = []
      const two = new Promise(done => c.on('notification', n => { seen.push([n.channel, n.payload]); if (seen.length === 2) done() }))
      await c.query('LISTEN news')
      const other = await connect('notify2')
      await other.query("NOTIFY news, '你好'")
      await other.query('SELECT pg_notify($1, $2)', ['news', 'again'])
      await other.end()
      await two
      return [seen, await this.step(c, 'UNLISTEN *')]
    },
    async notices(c) {
      const seen = []
      c.on('notice', n => seen.push([n.severity, n.code, n.message]))
      return [await this.step(c, 'ROLLBACK'), await this.step(c, "SET LOCAL TimeZone TO 'UTC'"), seen]
    },
    async cancel(c) {
      const cancelled = asleep().then(() => {
        // The driver's own cancel: a connection of its own with the key it was given.
        const connection = new pg.Connection({ ...where })
        connection.connect(where.port, where.host)
        connection.on('connect', () => connection.cancel(c.processID, c.secretKey))
      })
      const said = await this.step(c, 'SELECT pg_sleep(60)')
      await cancelled
      return [said, await this.step(c, 'SELECT 1')]
    },
    async large(c) {
      return [digest(show((await c.query({ text: 'SELECT * FROM many ORDER BY id', rowMode: 'array' })).rows))]
    },
    async wide(c) {
      const value = (await c.query("SELECT repeat('0123456789', 5000000) AS x")).rows[0].x
      return [value.length, digest(value)]
    },
    async batch(c) {
      await c.query('BEGIN')
      for (let i = 0; i < 100; i++) await c.query('INSERT INTO scratch VALUES ($1, $2, $3)', [100 + i, `批${i}`, i])
      const said = await this.step(c, 'SELECT sum(n), count(*) FROM scratch')
      await c.query('ROLLBACK')
      return [said, await this.step(c, 'SELECT count(*) FROM scratch')]
    },
    async pool() {
      const pool = new pg.Pool({ ...where, max: 3 })
      const found = []
      for (let i = 0; i < 6; i++) {
        const d = await pool.connect()
        found.push((await d.query('SHOW TimeZone')).rows)
        await d.query("SET TimeZone TO 'Asia/Shanghai'")
        found.push((await d.query(MASKED, [i % 3])).rows)
        await d.query('DISCARD ALL')
        d.release()
      }
      found.push(await Promise.all([...Array(9).keys()].map(async i => (await pool.query(MASKED, [i % 3])).rows)))
      await pool.end()
      return found
    },
  },
})
