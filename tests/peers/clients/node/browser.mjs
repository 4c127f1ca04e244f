// A real Chromium: sign in, agree, back in the app, read what a laboratory just sent; with and without JavaScript,
// in English and in Spanish. Leaves a screenshot of each page. Chromium trusts the demo's authority by its own
// certificate store (HOME is prepared by `run`), so certificates are checked for real.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { check, demo, leave, sendOru } from './demo.mjs'
import { pageApp, serverApp } from './app.mjs'

const shots = process.env.SLUICE_ARTEFACTS
mkdirSync(shots, { recursive: true })
const person = demo.patients[4]
const apps = { page: await pageApp(), server: await serverApp() }
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

// A fresh profile; `faults` collects what the browser complained about on our pages (CSP, scripts, broken links).
async function visitor(locale, javaScriptEnabled) {
  const context = await browser.newContext({ locale, javaScriptEnabled, viewport: { width: 1000, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const faults = []
  page.on('console', (said) => said.type() === 'error' && faults.push(said.text()))
  page.on('pageerror', (why) => faults.push(why.message))
  return { context, page, faults }
}

async function signIn(page) {
  await page.fill('#username', person.username)
  await page.fill('#password', person.password)
  await page.click('button.primary')
  await page.waitForSelector('button[value=allow]')
}

for (const [locale, language] of [['en-US', 'en'], ['es-US', 'es']]) {
  for (const [kind, javaScript] of [['page', true], ['server', false]]) {
    const called = `${language}-${javaScript ? 'js' : 'nojs'}`
    await check(`Chromium, ${called}: signs in, agrees, is back in the app and reads the new result`, async () => {
      const { context, page, faults } = await visitor(locale, javaScript)
      const shot = (name) => page.screenshot({ path: join(shots, `${name}-${called}.png`), fullPage: true })
      await page.goto(`${apps[kind].address}/launch`)
      await page.waitForSelector('#password')
      assert.ok(page.url().startsWith(`${demo.base}/`), page.url())
      assert.equal(await page.getAttribute('html', 'lang'), language)
      await shot('login')
      await signIn(page)
      assert.equal(await page.getAttribute('html', 'lang'), language)
      const ticks = page.locator('input[type=checkbox][name=item]:not(details *)')
      assert.ok((await ticks.count()) > 5, 'the consent page offers hardly anything')
      assert.equal(await ticks.count(), await page.locator('input[type=checkbox][name=item]:checked').count(), 'not all that is asked for is ticked, or more')
      await shot('consent')
      await page.click('button[value=allow]')
      await page.waitForURL(`${apps[kind].address}/callback**`)
      const patient = page.locator('#patient', { hasText: '"resourceType"' })
      await patient.waitFor()
      const record = JSON.parse(await patient.textContent())
      assert.equal(record.id, person.patient)
      const sent = await sendOru(person, record)
      assert.equal(sent.ack, 'AA')
      await page.click('#results')
      await page.locator('#rows li', { hasText: String(sent.value) }).waitFor()
      await shot('app')
      assert.deepEqual(faults, [])
      await context.close()
    })
  }
}
await check('Chromium: a wrong password stays on the page and says so; Cancel goes back to the app with access_denied', async () => {
  const { context, page } = await visitor('en-US', false)
  await page.goto(`${apps.server.address}/launch`)
  await page.fill('#username', person.username)
  await page.fill('#password', 'not the password')
  await page.click('button.primary')
  await page.waitForSelector('[role=alert]')
  await page.screenshot({ path: join(shots, 'login-wrong-en-nojs.png'), fullPage: true })
  await signIn(page)
  await page.click('button[value=deny]')
  await page.waitForSelector('#refused')
  assert.equal(await page.textContent('#refused'), 'access_denied')
  await context.close()
})
await check('Chromium: the language is changed on the page, without JavaScript', async () => {
  const { context, page } = await visitor('en-US', false)
  await page.goto(`${apps.server.address}/launch`)
  await page.click('a[hreflang=es]')
  await page.waitForSelector('html[lang=es]')
  await signIn(page)
  assert.equal(await page.getAttribute('html', 'lang'), 'es')
  await context.close()
})
for (const [locale, language] of [['en-US', 'en'], ['es-US', 'es']]) {
  await check(`Chromium, ${language}: a developer registers an app on a narrow screen, without JavaScript, and is told its secret`, async () => {
    const { context, page, faults } = await visitor(locale, false)
    await page.setViewportSize({ width: 320, height: 700 })
    const shot = (name) => page.screenshot({ path: join(shots, `${name}-${language}-nojs.png`), fullPage: true })
    await page.goto(`${demo.base}/`)
    await page.click('a[href="/register"]')
    await page.fill('#name', 'Heart Buddy')
    await page.fill('#addresses', 'https://app.example/*')
    await page.check('input[name=proof][value=secret]')
    await page.click('button.primary')
    await page.waitForSelector('[role=alert] a[href="#addresses"]')
    await shot('register-wrong')
    await page.fill('#addresses', 'https://app.example/callback')
    await page.click('button.primary')
    const secret = page.locator('dt:has-text("client_secret") + dd')
    await secret.waitFor()
    assert.ok((await secret.textContent()).length >= 40)
    assert.equal(await page.getAttribute('html', 'lang'), language)
    await shot('registered')
    assert.deepEqual(faults, [])
    await context.close()
  })
}
await check('Chromium: a clinician opens an app for a patient from their own page; npm fhirclient takes the launch up and reads that patient', async () => {
  const { context, page, faults } = await visitor('en-US', false)
  const shot = (name) => page.screenshot({ path: join(shots, `${name}-en-nojs.png`), fullPage: true })
  // Nobody listens where the demo's apps are registered to be opened: from there the browser goes on to the app of this test.
  const registered = demo.confidential.launch_uri
  await context.route(`${registered}**`, (route) => {
    const to = `${apps.server.address}/launch${new URL(route.request().url()).search}`
    route.fulfill({ contentType: 'text/html', body: `<meta http-equiv="refresh" content="0;url=${to.replaceAll('&', '&amp;')}">` })
  })
  await page.goto(`${demo.base}/account/launch`)
  await page.fill('#username', demo.clinician.username)
  await page.fill('#password', demo.clinician.password)
  await page.click('button.primary')
  await page.check(`input[name=app][value=${demo.confidential.client_id}]`)
  const patient = page.locator('input[name=patient]').last()
  await patient.check()
  const chosen = await patient.getAttribute('value')
  await shot('open-an-app')
  await page.click('main button.primary')
  await page.waitForSelector('button[value=allow]')
  assert.equal(await page.getAttribute('input[name=patient]', 'value'), chosen)
  assert.equal(await page.locator('button[value=choose]').count(), 0)
  await page.click('button[value=allow]')
  const record = page.locator('#patient', { hasText: '"resourceType"' })
  await record.waitFor()
  assert.equal(JSON.parse(await record.textContent()).id, chosen)
  assert.deepEqual(faults, [])
  await context.close()
})
await browser.close()
leave()
