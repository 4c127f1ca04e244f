// npm fhir-kit-client: finds the endpoints its own way, then the journey, as a public app.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Client } from 'fhir-kit-client'
import { check, demo, leave, SCOPE, sendOru, signIn } from './demo.mjs'

const who = 'fhir-kit-client'
const [person, stranger] = [demo.patients[3], demo.patients[2]]
const redirect = demo.public.redirect_uris[0]
const clientId = demo.public.client_id
const config = await (await fetch(`${demo.fhir}/.well-known/smart-configuration`)).json()

// A launch over the endpoints that the library found; gives the library's client and the token response.
async function launched(user) {
  const client = new Client({ baseUrl: demo.fhir })
  const { authorizeUrl, tokenUrl } = await client.smartAuthMetadata()
  const verifier = randomBytes(48).toString('base64url')
  const address = new URL(authorizeUrl)
  address.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirect,
    scope: SCOPE,
    state: 'here',
    aud: demo.fhir,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const back = new URL(await signIn(address.href, redirect, user))
  const form = { grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: redirect, client_id: clientId, code_verifier: verifier }
  const answer = await fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(form) })
  const granted = await answer.json()
  assert.equal(answer.status, 200, JSON.stringify(granted))
  client.bearerToken = granted.access_token
  return { client, granted, tokenUrl }
}

// Every row of a search, page after page.
async function rowsOf(client, searchParams) {
  const rows = []
  for (let bundle = await client.search({ resourceType: 'Observation', searchParams }); bundle; bundle = await client.nextPage({ bundle })) {
    rows.push(...(bundle.entry ?? []).map((entry) => entry.resource))
  }
  return rows
}

const status = (expected) => (why) => (why.response?.status ?? why.status) === expected

const launch = await check(`${who}: finds the endpoints, launches, and reads the Patient`, async () => {
  const launch = await launched(person)
  const patient = await launch.client.read({ resourceType: 'Patient', id: launch.granted.patient })
  assert.equal(patient.id, person.patient)
  return { ...launch, patient }
})
const found = await check(`${who}: the first search after the acknowledgement finds the result, over its pages`, async () => {
  const sent = await sendOru(person, launch.patient)
  assert.equal(sent.ack, 'AA')
  const rows = await rowsOf(launch.client, { category: 'laboratory', patient: person.patient, _count: 5 })
  assert.ok(rows.length > 5, 'one page only: paging was not tried')
  const found = rows.find((row) => row.valueQuantity?.value === sent.value)
  assert.ok(found, 'the result is not among the rows')
  const posted = await launch.client.search({ resourceType: 'Observation', searchParams: { _id: found.id }, options: { postSearch: true } })
  assert.equal(posted.entry?.[0]?.resource?.id, found.id, 'POST _search does not find it')
  return found
})
await check(`${who}: another patient's login finds nothing of it`, async () => {
  const { client } = await launched(stranger)
  const rows = await rowsOf(client, { category: 'laboratory' })
  assert.ok(rows.length > 0 && !rows.some((row) => row.id === found.id))
  assert.deepEqual(await rowsOf(client, { _id: found.id }), [])
  for (const id of [found.id, 'nobody-has-this']) {
    await assert.rejects(client.read({ resourceType: 'Observation', id }), status(404))
    await assert.rejects(client.vread({ resourceType: 'Observation', id, version: found.meta.versionId }), status(404))
  }
})
await check(`${who}: refreshed it reads on, revoked it is refused with 401`, async () => {
  const form = { grant_type: 'refresh_token', refresh_token: launch.granted.refresh_token, client_id: clientId }
  const granted = await (await fetch(launch.tokenUrl, { method: 'POST', body: new URLSearchParams(form) })).json()
  launch.client.bearerToken = granted.access_token
  assert.equal((await launch.client.read({ resourceType: 'Observation', id: found.id })).id, found.id)
  const gone = await fetch(config.revocation_endpoint, { method: 'POST', body: new URLSearchParams({ token: granted.access_token, client_id: clientId }) })
  assert.equal(gone.status, 200)
  await assert.rejects(launch.client.read({ resourceType: 'Observation', id: found.id }), status(401))
})
leave()
