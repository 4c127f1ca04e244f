// npm fhirclient on a server: its own launch as a confidential app, then the journey.
import assert from 'node:assert/strict'
import { check, demo, leave, sendOru, signIn } from './demo.mjs'
import { serverApp } from './app.mjs'

const who = 'npm fhirclient'
const [person, stranger] = [demo.patients[2], demo.patients[4]]
const app = await serverApp()

// Opens the app, lets the person sign in and agree, and comes back to it.
async function launched(user) {
  const start = await fetch(`${app.address}/launch`, { redirect: 'manual' })
  assert.equal(start.status, 302, await start.text())
  const back = await signIn(start.headers.get('location'), `${app.address}/callback`, user)
  const page = await fetch(back, { headers: { cookie: start.headers.get('set-cookie').split(';')[0] } })
  const body = await page.text()
  assert.equal(page.status, 200, body)
  return app.clients.at(-1)
}

const client = await check(`${who}: launches as a confidential app, and is told the patient and the user`, async () => {
  const client = await launched(person)
  assert.equal(client.patient.id, person.patient)
  assert.equal(client.user.fhirUser.split('/').slice(-2).join('/'), person.fhir_user)
  return client
})
const found = await check(`${who}: the first search after the acknowledgement finds the result, over its pages`, async () => {
  const sent = await sendOru(person, await client.patient.read())
  assert.equal(sent.ack, 'AA')
  const rows = await client.patient.request('Observation?category=laboratory&_count=5', { pageLimit: 0, flat: true })
  assert.ok(rows.length > 5, 'one page only: paging was not tried')
  const found = rows.find((row) => row.valueQuantity?.value === sent.value)
  assert.ok(found, 'the result is not among the rows')
  return found
})
await check(`${who}: another patient's login finds nothing of it`, async () => {
  const other = await launched(stranger)
  const rows = await other.patient.request('Observation?category=laboratory', { pageLimit: 0, flat: true })
  assert.ok(!rows.some((row) => row.id === found.id))
  assert.deepEqual(await other.request(`Observation?_id=${found.id}`, { flat: true }), [])
  for (const path of [`Observation/${found.id}`, `Patient/${person.patient}`, 'Observation/nobody-has-this']) {
    await assert.rejects(other.request(path), (why) => why.statusCode === 404 || why.status === 404)
  }
})
await check(`${who}: refreshes, and reads on`, async () => {
  const before = client.state.tokenResponse.access_token
  await client.refresh()
  assert.notEqual(client.state.tokenResponse.access_token, before)
  assert.equal((await client.request(`Observation/${found.id}`)).id, found.id)
})
leave()
