// What the Node programs share: see ask.py.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createHash } from 'node:crypto'
import { inspect, promisify } from 'node:util'
import { execFile } from 'node:child_process'

export const need = createRequire(process.env.NODE_FOLDER + '/x.js')
export const where = {
  host: '127.0.0.1', port: Number(process.env.CLIENT_PORT), user: process.env.CLIENT_USER,
  password: process.env.CLIENT_PASSWORD, database: process.env.CLIENT_DATABASE,
}
export const MASKED = 'SELECT id, full_name, email, born, joined, tags FROM people WHERE level = $1 ORDER BY id'
export const FORMS = ['text', 'csv', 'binary']
export const show = value => inspect(value, { depth: 9, maxArrayLength: null, maxStringLength: null, breakLength: Infinity })
export const digest = value => createHash('sha256').update(value).digest('hex')

// Resolves when the server sleeps for this client: then there is something to cancel.
export const asleep = () => promisify(execFile)(process.env.CLIENT_ASLEEP)

function parameter(text) {
  const [kind, rest] = [text.trim().split(' ')[0], text.trim().split(' ').slice(1).join(' ')]
  return { int: Number, text: v => v, bytes: v => Buffer.from(v, 'hex'), null: () => null, ints: v => v.split(',').map(Number) }[kind](rest)
}

function checks() {
  const found = []
  for (const line of readFileSync(process.env.CLIENT_CHECKS, 'utf8').split('\n')) {
    if (line.startsWith('= ')) found.push([line.slice(2).split(':')[0], []])
    else if (line.startsWith('> ')) found.at(-1)[1].push([line.slice(2), []])
    else if (line.startsWith('<- ')) found.at(-1)[1].at(-1)[1] = line.slice(3).split(' | ').map(parameter)
  }
  return found
}

export async function run(driver) {
  const only = process.argv.slice(2)
  driver.attempt = async (connection, work) => {
    let said
    try { said = show(await work()) } catch (error) {
      if (!error.code || !/^[0-9A-Z]{5}$/.test(error.code)) throw error
      said = `ERROR ${error.code} ${error.message}`
    }
    return `${said} [${await driver.status(connection)}]`
  }
  driver.step = (connection, sql, parameters = []) => driver.attempt(connection, () => driver.ask(connection, sql, parameters))
  for (const [name, steps] of checks()) {
    const own = driver.own[name]
    if ((only.length && !only.includes(name)) || (!own && !steps.length)) continue
    let answer = []
    try {
      const connection = await driver.connect(name)
      try {
        if (own) answer = await own.call(driver, connection)
        else for (const step of steps) answer.push(await driver.step(connection, ...step))
      } finally { await driver.close(connection) }
    } catch (error) { answer = [`BROKE ${error.name}: ${error.message}`] }
    console.log(JSON.stringify({ check: name, answer: answer.map(a => typeof a === 'string' ? a : show(a)) }))
  }
}
