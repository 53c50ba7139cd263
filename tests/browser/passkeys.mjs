// Makes a passkey in the virtual authenticator of Chromium and signs in by it, as a page of the server does; then with all that an
// authenticator, a page or a thief may get wrong.
//
//   node passkeys.mjs --base http://127.0.0.1:3000 --token ACCESS_TOKEN
//
// The page is at http://localhost and the server's port. One line per step, then one line of JSON: what the first sign-in has answered.
// Exit 1 with the reason when one does not hold.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, within } from './chromium.mjs';
import { serve } from './static-server.mjs';

const DEADLINE_MS = 120_000;
const STEP_MS = 20_000;

const { values: options } = parseArgs({ options: { base: { type: 'string' }, token: { type: 'string' } } });

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** Asks the server; the body of an answer of this status. */
async function ask(status, method, address, body, token) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(options.base + address, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  require(answer.status === status, `${method} ${address} answers ${answer.status} in place of ${status}: ${text}`);
  return text && JSON.parse(text);
}

/** The same host as a browser names it, at the port of `url`. */
const local = (url) => `http://localhost:${new URL(url).port}`;

/** Makes a passkey in a page. */
const create = (page, asked) => page.evaluate(async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({ publicKey })).toJSON();
}, asked.public_key);

/** Has a page show one. */
const show = (page, asked) => page.evaluate(async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}, asked.public_key);

const challenge = () => ask(200, 'POST', '/api/v1/auth/sessions/passkey-challenge');
const signIn = (status, credential) => ask(status, 'POST', '/api/v1/auth/sessions/passkey', { credential });

async function authenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return (method, more) => session.send(`WebAuthn.${method}`, { authenticatorId, ...more });
}

async function refused(what, credential, detail) {
  const problem = await signIn(401, credential);
  require(problem.code === 'passkey.refused' && problem.detail.includes(detail), `${what}: ${problem.code}, ${problem.detail}`);
  console.log(`ok   refused ${what}: ${problem.detail}`);
}

/** What an authenticator must not answer: the server refuses it, or the browser already. */
async function refusedByEither(what, page, detail) {
  const shown = await within(STEP_MS, what, show(page, await challenge())).catch(() => null);
  if (shown) return refused(what, shown, detail);
  console.log(`ok   refused ${what}, by the browser`);
  // Whatever it still waits for ends with the page.
  await page.goto(`${local(options.base)}/healthz`);
}

async function run(page, other) {
  await page.goto(`${local(options.base)}/healthz`);
  const device = await authenticator(page);
  const made = await create(page, await ask(200, 'POST', '/api/v1/auth/passkeys/challenge', undefined, options.token));
  const passkey = await ask(201, 'POST', '/api/v1/auth/passkeys', { name: 'Chromium', credential: made }, options.token);
  console.log(`ok   made ${passkey.id}`);
  const shown = await show(page, await challenge());
  const tokens = await signIn(201, shown);
  console.log(`ok   signed in as ${tokens.user_id}`);

  await refused('the same answer again', shown, 'challenge');
  await device('setResponseOverrideBits', { isBogusSignature: true });
  await refused('a signature of somebody else', await show(page, await challenge()), 'signed');
  await device('setResponseOverrideBits', { isBadUV: true });
  await refusedByEither('an authenticator that has verified nobody', page, 'verified');
  await device('setResponseOverrideBits', { isBadUP: true });
  await refusedByEither('one that nobody was at', page, 'present');
  await device('setResponseOverrideBits', {});
  await signIn(201, await show(page, await challenge()));

  await page.goto(`${local(other)}/chromium.mjs`);
  await refused('a page of another origin', await show(page, await challenge()), 'origin');
  await page.goto(`${local(options.base)}/healthz`);
  const [{ credentialId, isResidentCredential, rpId, privateKey, userHandle }] = (await device('getCredentials')).credentials;
  await device('clearCredentials');
  const credential = { credentialId, isResidentCredential, rpId, privateKey, userHandle, signCount: 0 };
  await device('addCredential', { credential });
  await refused('a copy', await show(page, await challenge()), 'elsewhere');
  return tokens;
}

const here = path.dirname(fileURLToPath(import.meta.url));
const elsewhere = await serve({ '/': here });
const browser = await launch();
try {
  const page = await browser.newPage();
  console.log(JSON.stringify(await within(DEADLINE_MS, 'the whole run', run(page, elsewhere.url))));
} catch (error) {
  console.log(`FAIL ${error.message.split('\n')[0]}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await elsewhere.close();
}
