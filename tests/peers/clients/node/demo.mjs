// What every script here shares: the demo's ready file, one line for each check, and the two programs in Python
// that play the person at the pages and the laboratory.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const readyFile = process.argv[2]
const scripts = process.env.CLIENTS_PYTHON_SCRIPTS ?? join(dirname(fileURLToPath(import.meta.url)), '../python')
const python = (...args) => run(process.env.CLIENTS_PYTHON ?? 'python3', args, { cwd: scripts, timeout: 60_000 })

const ready = JSON.parse(readFileSync(readyFile, 'utf8'))

export const demo = {
  base: ready.base_url,
  fhir: ready.fhir_base,
  ca: ready.ca_cert,
  patients: ready.users.filter((user) => user.patient),
  clinician: ready.users.find((user) => !user.patient),
  representative: ready.users.find((user) => user.acts_for.length > 0),
  public: ready.clients.find((app) => !app.client_secret),
  confidential: ready.clients.find((app) => app.client_secret),
}

export const SCOPE = 'launch/patient openid fhirUser offline_access patient/*.rs'

// The address the app is sent back to, once `user` has signed in and agreed.
export async function signIn(address, redirect, user) {
  const { stdout } = await python('person.py', readyFile, user.username, redirect, address)
  return stdout.trim()
}

// Has a laboratory send a result about the person of `patient` (FHIR JSON); gives `ack`, `filler` and `value`.
export async function sendOru(user, patient) {
  const file = join(mkdtempSync(join(tmpdir(), 'oru-')), 'patient.json')
  writeFileSync(file, JSON.stringify(patient))
  const { stdout } = await python('send_oru.py', readyFile, user.username, file)
  return JSON.parse(stdout)
}

let failed = 0

// Runs one check; whatever it throws is its failure, and the rest goes on.
export async function check(sentence, block) {
  try {
    const value = await block()
    console.log(`ok      ${sentence}`)
    return value
  } catch (why) {
    failed += 1
    console.log(`not ok  ${sentence}: ${String(why?.stderr || why?.message || why).replace(/\s+/g, ' ').slice(0, 600)}`)
    return undefined
  }
}

export const leave = () => process.exit(failed ? 1 : 0)
