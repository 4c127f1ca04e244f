// Every page that people see, in a real Chromium, as axe and a narrow screen see it: no finding of axe (WCAG 2.2 A and AA,
// best practices), nothing wider than the screen at 320 px and, in English, at 1280, no complaint of the browser. Spanish has the
// same structure and longer words. Leaves a screenshot of each.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { check, demo, leave } from './demo.mjs'
import { serverApp } from './app.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = process.env.SLUICE_ARTEFACTS
mkdirSync(shots, { recursive: true })
const app = await serverApp()
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

// The six digits that an authenticator app shows now (RFC 6238), from the secret as the page writes it.
function codeOf(secret) {
  const bits = [...secret.replace(/[^A-Z2-7]/g, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const mac = createHmac('sha1', key).update(step).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

async function visitor(locale) {
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const faults = []
  page.on('console', (said) => said.type() === 'error' && faults.push(said.text()))
  page.on('pageerror', (why) => faults.push(why.message))
  return { context, page, faults }
}

// Looks at the page as it stands, at each width.
async function look(page, name, widths) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true })
    assert.ok(wide <= width, `${name} is ${wide} px wide on a screen of ${width}`)
    const found = await page.evaluate(`(() => { ${axe}; return axe.run() })()`)
    const said = found.violations.map((one) => `${one.id} at ${one.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', ')}`)
    assert.deepEqual(said, [], `${name} at ${width} px`)
    assert.ok(found.passes.length > 5, 'axe looked at nothing')
  }
}

async function signIn(page, person) {
  await page.fill('#username', person.username)
  await page.fill('#password', person.password)
  await page.click('button.primary')
}

for (const [nth, [locale, language, widths]] of [['en-US', 'en', [320, 1280]], ['es-US', 'es', [320]]].entries()) {
  const person = demo.patients[nth]
  await check(`axe, ${language}: first page, sign-in, a wrong password, consent, what an error means`, async () => {
    const { context, page, faults } = await visitor(locale)
    const at = (name) => look(page, `axe-${name}-${language}`, widths)
    await page.goto(`${demo.base}/`)
    assert.equal(await page.getAttribute('html', 'lang'), language)
    await at('start')
    await page.goto(`${app.address}/launch`)
    await page.waitForSelector('#password')
    await at('login')
    await signIn(page, { ...person, password: 'not the password' })
    await page.waitForSelector('[role=alert]')
    await at('login-wrong')
    await signIn(page, person)
    await page.waitForSelector('button[value=allow]')
    await at('consent')
    await page.click('button[value=allow]')
    await page.locator('#patient', { hasText: '"resourceType"' }).waitFor()
    await page.goto(`${demo.base}/docs/errors/invalid_grant`)
    await at('error')
    assert.deepEqual(faults, [])
    await context.close()
  })
  await check(`axe, ${language}: a patient's own pages, an app stopped, a second factor put on and asked for`, async () => {
    const { context, page, faults } = await visitor(locale)
    const at = (name) => look(page, `axe-${name}-${language}`, widths)
    const open = (path) => page.goto(`${demo.base}${path}`)
    await open('/account/apps')
    await page.waitForSelector('#password')
    await at('account-login')
    await signIn(page, person)
    await page.waitForSelector('ul.cards')
    await at('apps')
    for (const [path, name] of [['/account', 'account'], ['/account/sessions', 'sessions'], ['/account/disclosures', 'disclosures'], ['/account/second-factor', 'second-factor']]) {
      await open(path)
      await at(name)
    }
    await page.click('button[value=begin]')
    const secret = (await page.locator('code').first().textContent()).trim()
    await at('second-begun')
    await page.fill('#code', codeOf(secret))
    await page.fill('#password', person.password)
    await page.click('button[value=confirm]')
    await page.waitForFunction(() => !document.querySelector('#password'))
    await at('second-on')
    await open('/account/apps')
    await page.locator('ul.cards button[name=app]').first().click()
    await page.waitForSelector('[role=status]')
    await at('stopped')
    await open('/account/logout')
    await at('logout')
    await context.clearCookies()
    await open('/account')
    await signIn(page, person)
    await page.waitForSelector('#code')
    await at('code')
    assert.deepEqual(faults, [])
    await context.close()
  })
  await check(`axe, ${language}: a forgotten password; a representative agrees for a child and sees who saw the record`, async () => {
    const { context, page, faults } = await visitor(locale)
    const at = (name) => look(page, `axe-${name}-${language}`, widths)
    await page.goto(`${demo.base}/account/recover`)
    await page.waitForSelector('#recovery')
    await at('recover')
    await page.goto(`${app.address}/launch`)
    await signIn(page, demo.representative)
    await page.waitForSelector('button[value=allow]')
    await at('consent-representative')
    await page.goto(`${demo.base}/account/disclosures`)
    await page.waitForSelector('ul.events')
    await at('disclosures-representative')
    assert.deepEqual(faults, [])
    await context.close()
  })
  await check(`axe, ${language}: a clinician chooses a patient and agrees, opens an app, is asked for all in their care`, async () => {
    const { context, page, faults } = await visitor(locale)
    const at = (name) => look(page, `axe-${name}-${language}`, widths)
    await page.goto(`${app.address}/launch`)
    await signIn(page, demo.clinician)
    await page.waitForSelector('input[name=patient]')
    await at('choose')
    await page.locator('input[name=patient]').first().check()
    await page.click('button.primary')
    await page.waitForSelector('button[value=allow]')
    await at('consent-clinician')
    await page.goto(`${demo.base}/account/launch`)
    await page.waitForSelector('input[name=app]')
    await at('open-an-app')
    await page.goto(`${demo.base}/account/launch?said=failed`)
    await page.waitForSelector('[role=alert]')
    await at('open-an-app-failed')
    const asked = new URLSearchParams({
      response_type: 'code', client_id: demo.public.client_id, redirect_uri: demo.public.redirect_uris[0], state: 's', aud: demo.fhir,
      scope: 'openid fhirUser online_access user/*.rs', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
    })
    await page.goto(`${demo.base}/oauth/authorize?${asked}`)
    await page.waitForSelector('input[value=in-care]')
    await at('consent-in-care')
    assert.deepEqual(faults, [])
    await context.close()
  })
}
for (const [locale, language, widths] of [['en-US', 'en', [320, 1280]], ['es-US', 'es', [320]]]) {
  const person = demo.patients[2]
  await check(`axe, ${language}: a developer registers, looks at calls, lets something go wrong, walks a launch; the patient sees all that it read`, async () => {
    const { context, page, faults } = await visitor(locale)
    const at = (name) => look(page, `axe-${name}-${language}`, widths)
    const open = (path) => page.goto(`${demo.base}${path}`)
    await open('/register')
    await page.fill('#name', 'Heart Buddy')
    await page.fill('#addresses', 'http://127.0.0.1:3000/callback')
    await page.click('main button.primary')
    const told = async (name) => (await page.locator(`dt:has-text("${name}") + dd`).first().textContent()).trim()
    const [id, token] = [await told('client_id'), await told('registration_access_token')]
    await at('registered')
    await open('/register/calls')
    await page.fill('#client_id', id)
    await page.fill('#registration_access_token', 'not the token')
    await page.click('main button.primary')
    await page.waitForSelector('[role=alert]')
    await at('calls-wrong')
    await fetch(`${demo.base}/oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: id }) })
    await page.fill('#client_id', id)
    await page.fill('#registration_access_token', token)
    await page.click('main button.primary')
    await page.waitForSelector('table')
    await at('calls')
    await open('/sandbox')
    await at('sandbox')
    await page.fill('#client_id', id)
    await page.fill('#registration_access_token', token)
    await page.check('input[value=auth_invalid_client_id]')
    await page.click('main button.primary')
    await page.waitForSelector('[role=status]')
    await at('sandbox-chosen')
    await open('/try')
    await at('try')
    await page.click('button[value=begin]')
    await page.waitForSelector('main a.primary')
    await at('try-begun')
    await page.click('main a.primary')
    await page.waitForSelector('#password')
    await at('login-test-users')
    await signIn(page, person)
    await page.click('button[value=allow]')
    await page.waitForSelector('button[value=redeem]')
    await at('try-answered')
    await page.click('button[value=redeem]')
    await page.waitForSelector('button[value=read]')
    await at('try-redeemed')
    await page.click('button[value=read]')
    await page.locator('pre', { hasText: '"resourceType"' }).waitFor()
    await at('try-read')
    await open('/account/apps')
    await page.locator('a[href^="/account/apps/read?app=sluice-try"]').click()
    await page.waitForSelector('dl.facts')
    await at('app-read')
    for (const path of ['/account/apps/file', '/account/apps/read/file?app=sluice-try']) {
      const file = await context.request.get(`${demo.base}${path}`, { ignoreHTTPSErrors: true })
      assert.equal(file.headers()['content-type'], 'application/x-ndjson')
      const lines = (await file.text()).trim().split('\n').map((line) => JSON.parse(line))
      assert.ok(lines.some((line) => line.client_id === 'sluice-try'), path)
    }
    await open('/docs/errors/not-found')
    await at('error-fhir')
    assert.deepEqual(faults, [])
    await context.close()
  })
}
await browser.close()
leave()
