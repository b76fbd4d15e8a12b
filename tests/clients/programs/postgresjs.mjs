// postgres.js: pipelines by itself, and asks for types when it connects.
import { Readable } from 'node:stream'
import { MASKED, FORMS, asleep, digest, need, run, show, where } from './ask.mjs'

const postgres = need('postgres')

const statuses = new WeakMap()
const connect = name => {
  const seen = []
  const sql = postgres({ ...where, max: 1, fetch_types: true, connection: { application_name: name }, onnotice: n => seen.push([n.severity, n.code, n.message]) })
  statuses.set(sql, seen)
  return sql
}
const result = r => [r.command, r.count, r.columns?.map(c => [c.name, c.type, c.number]), [...r]]
const read = async stream => { const parts = []; for await (const part of stream) parts.push(part); return Buffer.concat(parts) }

await run({
  connect, close: c => c.end({ timeout: 5 }), status: () => '-',
  ask: async (c, text, parameters) => {
    const r = await c.unsafe(text, parameters.map(p => Array.isArray(p) ? c.array(p, 23) : p), { prepare: parameters.length > 0 })
    return r.columns || !r.length ? result(r) : r.map(result)
  },
  own: {
    async abort(c) {
      const inside = this.attempt(c, () => c.begin(async t => {
        await t`INSERT INTO scratch VALUES (10, 'ten', 10)`
        await t`SELECT secret FROM vault`
        if (where.user !== 'governed') throw Object.assign(new Error('rolled back'), { code: '99999' })
      }))
      return [await inside, await this.step(c, 'SELECT count(*) FROM scratch')]
    },
    async savepoint(c) {
      const said = []
      said.push(await this.attempt(c, () => c.begin(async t => {
        said.push(await this.attempt(c, () => t.savepoint(async s => result(await s`SELECT secret FROM vault`))))
        await t`INSERT INTO scratch VALUES (11, 'eleven', 11)`
        said.push(show(result(await t`SELECT label FROM scratch WHERE id = 11`)))
        throw Object.assign(new Error('rolled back'), { code: '99999' })
      })))
      return [...said, await this.step(c, 'SELECT count(*) FROM scratch')]
    },
    async multi(c) {
      const said = []
      for (const sql of ['SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2', "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2",
        'SELECT count(*) FROM scratch', 'DELETE FROM scratch WHERE id > 9']) said.push(await this.attempt(c, async () => (r => (r[0]?.columns || Array.isArray(r[0]) ? r.map(result) : result(r)))(await c.unsafe(sql).simple())))
      return said
    },
    async reuse(c) {
      const said = []
      for (let i = 0; i < 8; i++) said.push(await this.attempt(c, async () => result(await c`SELECT id, full_name, email, tags FROM people WHERE level = ${i % 3} ORDER BY id`)))
      said.push(await this.attempt(c, async () => result(await c`SELECT secret FROM vault WHERE id = ${1}`)))
      said.push(await this.attempt(c, async () => (({ types, columns }) => [types, columns])(await c`SELECT id, email FROM people WHERE level = ${1}`.describe())))
      return [...said, await this.step(c, 'SELECT 1')]
    },
    async pieces(c) {
      const found = []
      await c`SELECT id, email, town FROM people ORDER BY id`.cursor(5, async rows => { found.push(show([...rows])) })
      for await (const [row] of c`SELECT id, email FROM people ORDER BY id`.cursor()) { found.push(show(row)); if (row.id === 4) break }
      await c`SELECT id, email FROM people ORDER BY id`.forEach(row => found.push(show(row)))
      return [...found, await this.attempt(c, async () => { await c`SELECT secret FROM vault`.cursor(2, rows => found.push(show(rows))) }), await this.step(c, 'SELECT 1')]
    },
    async pipeline(c) {
      await c`SELECT 1`
      const said = await Promise.allSettled([...Array(200).keys()].map(i => i % 50 === 25 ? c`SELECT secret FROM vault WHERE id = ${i}` : c`SELECT id, email FROM people WHERE level = ${i % 3} ORDER BY id`))
      return said.map(s => s.status === 'fulfilled' ? show(result(s.value)) : `ERROR ${s.reason.code} ${s.reason.message} [-]`)
    },
    async copyout(c) {
      const said = []
      for (const form of FORMS) for (const what of ['people', 'people (id, email)', '(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)', 'scratch']) {
        said.push((await read(await c.unsafe(`COPY ${what} TO STDOUT WITH (FORMAT ${form})`).readable())).toString('latin1'))
      }
      return [...said, await this.step(c, 'SELECT 1')]
    },
    async copyin(c) {
      const rows = [...Array(500).keys()].map(i => `${100 + i}\t复制${i}\t${i}\n`)
      const into = await c`COPY scratch FROM STDIN`.writable()
      await new Promise((done, failed) => Readable.from(rows).pipe(into).on('finish', done).on('error', failed))
      return [await this.step(c, 'SELECT * FROM scratch ORDER BY id'), await this.step(c, 'DELETE FROM scratch WHERE id > 9')]
    },
    async notify(c) {
      const seen = []
      let done
      const two = new Promise(d => { done = d })
      const listening = await c.listen('news', payload => { seen.push(payload); if (seen.length === 2) done() })
      await c.notify('news', '你好')
      await c.notify('news', 'again')
      await two
      await listening.unlisten()
      return [seen]
    },
    async notices(c) {
      return [await this.step(c, 'ROLLBACK'), await this.step(c, "SET LOCAL TimeZone TO 'UTC'"), statuses.get(c)]
    },
    async cancel(c) {
      const query = c`SELECT pg_sleep(60)`
      asleep().then(() => query.cancel())
      return [await this.attempt(c, () => query), await this.step(c, 'SELECT 1')]
    },
    async large(c) {
      const rows = []
      await c`SELECT * FROM many ORDER BY id`.forEach(row => { rows.push(show(row)) })
      return [rows.length, digest(rows.join('\n'))]
    },
    async wide(c) {
      const [{ x }] = await c`SELECT repeat('0123456789', 5000000) AS x`
      return [x.length, digest(x)]
    },
    async batch(c) {
      const said = await this.attempt(c, () => c.begin(async t => {
        const rows = [...Array(300).keys()].map(i => ({ id: 100 + i, label: `批${i}`, n: i }))
        const r = await t`INSERT INTO scratch ${t(rows)} RETURNING id, label`
        await t`DELETE FROM scratch WHERE id > 9`
        return result(r)
      }))
      return [said]
    },
    async status(c) {
      await c`SELECT 1`
      const before = { ...c.parameters, session_authorization: '' }
      await c`SET TimeZone TO 'Asia/Shanghai'`
      return [before, c.parameters.TimeZone]
    },
    async pool() {
      const pool = postgres({ ...where, max: 3, idle_timeout: 5 })
      const said = await Promise.all([...Array(12).keys()].map(async i => result(await pool`SELECT id, email FROM people WHERE level = ${i % 3} ORDER BY id`)))
      const held = await pool.reserve()
      said.push(result(await held`SHOW TimeZone`))
      await held`SET TimeZone TO 'Asia/Shanghai'`
      await held.unsafe('DISCARD ALL').simple()
      said.push(result(await held.unsafe('SHOW TimeZone').simple()))
      held.release()
      await pool.end()
      return said
    },
  },
})
