// Two apps on npm fhirclient, each on a loopback port of its own: one is a server (confidential, its pages have no
// script), one is a page (public, the library runs in the browser). Both answer /launch, /callback and show the
// person's Patient as JSON in #patient and, once asked, the laboratory's values in #rows.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { randomUUID } from 'node:crypto'
import { demo, SCOPE } from './demo.mjs'

const require = createRequire(import.meta.url)
const smart = require('fhirclient')
const library = readFileSync(require.resolve('fhirclient/package.json').replace('package.json', 'build/fhir-client.js'))

const LABORATORY = 'Observation?category=laboratory&_count=20'
const ALL_PAGES = { pageLimit: 0, flat: true }

const text = (value) => String(value).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
const html = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">${body}`)
}

async function listen(handle) {
  const server = createServer((request, response) => {
    Promise.resolve(handle(request, response)).catch((why) => html(response, 500, `<p id="fault">${text(why.message)}</p>`))
  })
  await new Promise((done) => server.listen(0, 'localhost', done))
  return { address: `http://localhost:${server.address().port}`, server }
}

// The app as a server; `clients` holds the library's client of each of its sessions, newest last.
export async function serverApp() {
  const sessions = new Map()
  const clients = []
  const app = await listen(async (request, response) => {
    const url = new URL(request.url, 'http://localhost')
    let id = /(?:^|; )sid=([0-9a-f-]{36})/.exec(request.headers.cookie ?? '')?.[1]
    if (!sessions.has(id)) {
      id = randomUUID()
      sessions.set(id, {})
      response.setHeader('set-cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`)
    }
    request.session = sessions.get(id)
    const api = smart(request, response)
    if (url.pathname === '/launch') {
      const { client_id: clientId, client_secret: clientSecret } = demo.confidential
      // Opened from an EHR, the library finds `launch` in the address by itself.
      const scope = url.searchParams.has('launch') ? SCOPE.replace('launch/patient', 'launch') : SCOPE
      return api.authorize({ clientId, clientSecret, scope, iss: demo.fhir, redirectUri: `${app.address}/callback` })
    }
    if (url.pathname === '/callback' && url.searchParams.has('error')) {
      return html(response, 200, `<p id="refused">${text(url.searchParams.get('error'))}</p>`)
    }
    if (url.pathname === '/callback') {
      const client = await api.ready()
      clients.push(client)
      const patient = await client.patient.read()
      return html(response, 200, `<pre id="patient">${text(JSON.stringify(patient))}</pre><form action="/results"><button id="results">Results</button></form>`)
    }
    if (url.pathname === '/results') {
      const client = await api.ready()
      const rows = await client.patient.request(LABORATORY, ALL_PAGES)
      return html(response, 200, `<ul id="rows">${rows.map((row) => `<li>${text(row.valueQuantity?.value)}</li>`).join('')}</ul>`)
    }
    return html(response, 404, '<p>Nothing here</p>')
  })
  return { ...app, clients }
}

// The app as a page: everything happens in the browser, across origins.
export async function pageApp() {
  const launch = { clientId: demo.public.client_id, scope: SCOPE, iss: demo.fhir }
  const app = await listen((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    if (path === '/fhir-client.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' })
      return response.end(library)
    }
    if (path === '/launch') {
      const settings = JSON.stringify({ ...launch, redirectUri: `${app.address}/callback` })
      return html(response, 200, `<script src="/fhir-client.js"></script><script>FHIR.oauth2.authorize(${settings})</script>`)
    }
    if (path === '/callback') {
      return html(response, 200, `<pre id="patient"></pre><button id="results">Results</button><p id="fault"></p>
<script src="/fhir-client.js"></script><script>
const fault = (why) => { document.querySelector('#fault').textContent = why.message }
FHIR.oauth2.ready().then(async (client) => {
  document.querySelector('#results').onclick = async () => {
    const rows = await client.patient.request(${JSON.stringify(LABORATORY)}, ${JSON.stringify(ALL_PAGES)}).catch(fault)
    const list = document.createElement('ul')
    list.id = 'rows'
    for (const row of rows) list.append(Object.assign(document.createElement('li'), { textContent: row.valueQuantity?.value }))
    document.body.append(list)
  }
  document.querySelector('#patient').textContent = JSON.stringify(await client.patient.read())
}).catch(fault)
</script>`)
    }
    return html(response, 404, '<p>Nothing here</p>')
  })
  return app
}
