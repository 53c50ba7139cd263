// Somebody signs in to three programs, each a client of openid-client's, in Debian's Chromium without scripts and 360 pixels wide.
//
//   node relying.mjs CONFIGURATION [--screenshot FILE]
//
// CONFIGURATION is JSON, of somebody of the default tenant: {base, email, password, clients: {public, confidential, device: {id, secret}}}. Each
// of the first two may send browsers back to http://127.0.0.1/callback, and the second, when somebody has signed out, to
// http://127.0.0.1/left.
// One line per thing that holds, then one line of JSON: {id_token, client_id, nonce}; exit 1 with the reason when one does not.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Issuer, custom, generators } from 'openid-client';
import { launch, within } from '../browser/chromium.mjs';

const WHOLE_MS = 180_000;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { screenshot: { type: 'string' } } });
const { base, email, password, clients } = JSON.parse(readFileSync(positionals[0], 'utf8'));
custom.setHttpOptionsDefaults({ timeout: 30_000 });

/** A program on the person's own machine: a port that the system chooses, and what browsers bring there. */
async function listen() {
  const waiting = [];
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    response.end('back');
    if (request.url !== '/favicon.ico') waiting.shift()?.(request);
  });
  await new Promise((begun) => server.listen(0, '127.0.0.1', begun));
  return {
    at: (path) => `http://127.0.0.1:${server.address().port}${path}`,
    next: () => within(30_000, 'the browser to come back', new Promise((come) => waiting.push(come))),
    close: () => server.close(),
  };
}

const holds = (what) => console.log(`ok   ${what}`);

/** What a client sends a browser with, and checks when it comes back. */
function wish(more = {}) {
  const code_verifier = generators.codeVerifier();
  const checks = { code_verifier, state: generators.state(), nonce: generators.nonce(), response_type: 'code' };
  const asked = { scope: 'openid profile email', code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256' };
  return { checks, asked: { ...asked, state: checks.state, nonce: checks.nonce, ...more } };
}

const refused = (promise, error) => assert.rejects(promise, (thrown) => thrown.error === error || assert.fail(thrown));

/** The page, and by it a code, tokens and who it is; a code that is shown again ends all of it. */
async function signIn(page, own, client) {
  const { checks, asked } = wish({ redirect_uri: own.at('/callback'), max_age: 600 });
  await page.goto(client.authorizationUrl(asked));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, 'nothing stands out of a small screen');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  if (values.screenshot) await page.screenshot({ path: values.screenshot });
  holds('a wrong password is told at the page');
  await page.getByLabel('Password').fill(password);
  const come = own.next();
  await page.getByRole('button', { name: 'Sign in' }).click();
  const params = client.callbackParams(await come);
  const tokens = await client.callback(own.at('/callback'), params, { ...checks, max_age: 600 });
  const known = await client.userinfo(tokens);
  assert.equal(known.email, email);
  assert.equal(known.sub, tokens.claims().sub);
  holds('code, verifier, nonce, issuer, ID token and user info are right');
  const again = { grant_type: 'authorization_code', code: params.code, redirect_uri: own.at('/callback'), code_verifier: checks.code_verifier };
  await refused(client.grant(again), 'invalid_grant');
  await refused(client.refresh(tokens.refresh_token), 'invalid_grant');
  await assert.rejects(client.userinfo(tokens));
  holds('a code that is shown again ends what has come of it');
}

/** In the same browser another client has its code without a page; what is wrong with one is refused. */
async function goOn(page, own, client) {
  const comeBack = async (asked) => {
    const come = own.next();
    await page.goto(client.authorizationUrl(asked));
    return client.callbackParams(await come);
  };
  const silent = wish({ redirect_uri: own.at('/callback'), prompt: 'none' });
  const params = await comeBack(silent.asked);
  await refused(client.callback(own.at('/callback'), params, { ...silent.checks, code_verifier: generators.codeVerifier() }), 'invalid_grant');
  await refused(client.callback(own.at('/other'), params, silent.checks), 'invalid_grant');
  holds('another verifier and another address are refused');
  const tokens = await client.callback(own.at('/callback'), params, silent.checks);
  holds('whoever has signed in need not do so again');
  assert.equal((await client.introspect(tokens.access_token)).active, true);
  const renewed = await client.refresh(tokens);
  assert.equal(renewed.claims().sub, tokens.claims().sub);
  await refused(client.refresh(tokens.refresh_token), 'invalid_grant');
  await refused(client.refresh(renewed.refresh_token), 'invalid_grant');
  assert.equal((await client.introspect(renewed.access_token)).active, false);
  holds('a refresh token that is shown again ends its session');

  const other = wish({ redirect_uri: own.at('/callback'), prompt: 'none' });
  const last = await client.callback(own.at('/callback'), await comeBack(other.asked), other.checks);
  await client.revoke(last.refresh_token);
  await refused(client.refresh(last.refresh_token), 'invalid_grant');
  holds('what is given back holds no more');

  for (const wrong of [{ redirect_uri: 'https://evil.example/' }, { redirect_uri: own.at('/callback/..') }, { client_id: 'cli_none' }]) {
    const answer = await page.goto(client.authorizationUrl({ ...other.asked, ...wrong }));
    assert.deepEqual([answer.status(), new URL(page.url()).origin], [400, base]);
  }
  holds('nobody is sent to where a client has not registered');
}

/** A device, let in by whoever has signed in in a browser. */
async function device(page, client) {
  const waiting = await client.deviceAuthorization({ scope: 'openid email' });
  await page.goto(waiting.verification_uri_complete);
  await page.getByText(waiting.user_code).waitFor();
  await page.getByRole('button', { name: 'Let it in' }).click();
  await page.getByText('is let in').waitFor();
  const tokens = await waiting.poll();
  assert.equal((await client.userinfo(tokens)).email, email);
  holds('a device is let in');
}

/** What an authenticator shows that has this secret in base32 (RFC 6238). */
function totp(base32) {
  const bits = [...base32].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const tag = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Whoever has codes asked for is asked for one behind his password, at the same page, and the client is told so. */
async function behindThePassword(page, own, client) {
  const post = async (path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  };
  const { access_token } = await post('/api/v1/auth/sessions', { tenant: 'default', email, password });
  const { secret } = await post('/api/v1/auth/totp', {}, access_token);
  const { recovery_codes } = await post('/api/v1/auth/totp/confirm', { code: totp(secret) }, access_token);
  const { checks, asked } = wish({ redirect_uri: own.at('/callback'), acr_values: 'aal2' });
  await page.goto(client.authorizationUrl(asked));
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Code of your authenticator').fill(recovery_codes[0]);
  const come = own.next();
  await page.getByRole('button', { name: 'Sign in' }).click();
  const tokens = await client.callback(own.at('/callback'), client.callbackParams(await come), checks);
  assert.deepEqual([tokens.claims().acr, tokens.claims().amr], ['aal2', ['pwd', 'otp', 'mfa']]);
  holds('whoever has codes is asked for one at the page');
}

/** The client sends somebody to sign out, who is nobody then. */
async function signOut(page, own, client) {
  const { checks, asked } = wish({ redirect_uri: own.at('/callback'), prompt: 'none' });
  let come = own.next();
  await page.goto(client.authorizationUrl(asked));
  const tokens = await client.callback(own.at('/callback'), client.callbackParams(await come), checks);
  come = own.next();
  const left = { id_token_hint: tokens.id_token, post_logout_redirect_uri: own.at('/left'), state: 'gone' };
  await page.goto(client.endSessionUrl(left));
  assert.equal((await come).url, '/left?state=gone');
  await refused(client.refresh(tokens.refresh_token), 'invalid_grant');
  const silent = wish({ redirect_uri: own.at('/callback'), prompt: 'none' });
  come = own.next();
  await page.goto(client.authorizationUrl(silent.asked));
  await refused(client.callback(own.at('/callback'), client.callbackParams(await come), silent.checks), 'login_required');
  holds('whoever has signed out is signed out');
  return { id_token: tokens.id_token, client_id: client.client_id, nonce: checks.nonce };
}

async function main() {
  const issuer = await Issuer.discover(base);
  assert.equal(issuer.issuer, base);
  const client = ({ id, secret }) => new issuer.Client({
    client_id: id,
    ...(secret ? { client_secret: secret } : { token_endpoint_auth_method: 'none' }),
    id_token_signed_response_alg: 'EdDSA',
    response_types: ['code'],
  });
  const [own, browser] = [await listen(), await launch()];
  try {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 640 } });
    const page = await context.newPage();
    await signIn(page, own, client(clients.public));
    await goOn(page, own, client(clients.confidential));
    await device(page, client(clients.device));
    await behindThePassword(page, own, client(clients.confidential));
    console.log(JSON.stringify(await signOut(page, own, client(clients.confidential))));
  } finally {
    await browser.close();
    own.close();
  }
}

within(WHOLE_MS, 'the whole run', main()).then(() => { process.exitCode = 0; }, (error) => {
  console.error(error.stack ?? error);
  process.exitCode = 1;
});
