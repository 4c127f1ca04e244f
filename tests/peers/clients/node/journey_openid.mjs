// npm openid-client, a certified OpenID Connect library that knows nothing of FHIR: discovery from the issuer, a launch with
// PKCE, state and nonce, the id_token held against the published keys, UserInfo, introspection, refresh and revocation, as the
// public and as the confidential app.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { check, demo, leave, SCOPE, signIn } from './demo.mjs'

const who = 'openid-client'
const person = demo.patients[1]

// A launch from discovery to tokens; the library itself holds state, issuer, nonce, audience and signature.
async function launched(app) {
  const proof = app.client_secret ? oidc.ClientSecretBasic(app.client_secret) : oidc.None()
  const config = await oidc.discovery(new URL(demo.fhir), app.client_id, undefined, proof)
  // The id_token's signature is looked at although it came over TLS.
  oidc.enableNonRepudiationChecks(config)
  const redirect = app.redirect_uris[0]
  const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: SCOPE,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    aud: demo.fhir,
    purpose_of_use: 'PATRQT',
  })
  const back = new URL(await signIn(address.href, redirect, person))
  const expected = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await oidc.authorizationCodeGrant(config, back, expected)
  return { config, tokens, back, expected }
}

for (const app of [demo.public, demo.confidential]) {
  const kind = app.client_secret ? 'confidential' : 'public'
  const launch = await check(`${who}, ${kind}: discovers, launches and holds the id_token against the published keys`, async () => {
    const launch = await launched(app)
    const claims = launch.tokens.claims()
    assert.equal(claims.iss, demo.fhir)
    assert.equal(claims.aud, app.client_id)
    assert.equal(claims.fhirUser, `${demo.fhir}/${person.fhir_user}`)
    assert.equal(launch.tokens.patient, person.patient)
    return launch
  })
  await check(`${who}, ${kind}: a code is redeemed once, and the error says why`, async () => {
    const second = await launched(app)
    await assert.rejects(oidc.authorizationCodeGrant(second.config, second.back, second.expected), (why) => {
      assert.equal(why.error, 'invalid_grant')
      assert.match(why.error_description, /used before/)
      return true
    })
  })
  await check(`${who}, ${kind}: UserInfo tells of the same person, under the same subject`, async () => {
    const { config, tokens } = launch
    const told = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    assert.equal(told.fhirUser, `${demo.fhir}/${person.fhir_user}`)
  })
  await check(`${who}, ${kind}: refreshed it reads on, revoked nothing is left`, async () => {
    const { config, tokens } = launch
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    const read = () => oidc.fetchProtectedResource(config, next.access_token, new URL(`${demo.fhir}/Patient/${person.patient}`), 'GET')
    const answer = await read()
    assert.equal((await answer.json()).id, person.patient)
    if (app.client_secret) {
      const told = await oidc.tokenIntrospection(config, next.access_token)
      assert.deepEqual([told.active, told.purpose_of_use, told.patient], [true, 'PATRQT', person.patient])
    }
    await oidc.tokenRevocation(config, next.refresh_token)
    // It reads the challenge of the 401 as RFC 6750 has it.
    await assert.rejects(read(), (why) => why.status === 401 && why.cause?.[0]?.parameters?.error === 'invalid_token')
    await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), (why) => why.error === 'invalid_grant')
    if (app.client_secret) {
      assert.deepEqual(await oidc.tokenIntrospection(config, next.access_token), { active: false })
    }
  })
}
leave()
