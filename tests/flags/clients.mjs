// Clients of Unleash and a provider of OpenFeature read flags of all five types, and keep them when the server is gone.
//
//   node clients.mjs BASE KEY PUBLIC_KEY
//
// Says `read` when all was read and an unchanged answer has come, waits until the server is gone, and says `held` when nothing was lost;
// exit 1 with the reason when one does not hold.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';

// All four have a build that Node requires; what their names export to `import` differs.
const require = createRequire(import.meta.url);
const { OFREPProvider } = require('@openfeature/ofrep-provider');
const { OpenFeature } = require('@openfeature/server-sdk');
const { initialize } = require('unleash-client');
const { InMemoryStorageProvider, UnleashClient } = require('unleash-proxy-client');

const [base, key, publicKey] = process.argv.slice(2);
const within = setTimeout(() => {
  console.error('it took too long');
  process.exit(1);
}, 60_000);

const context = { userId: 'ann' };
const unleash = initialize({
  url: `${base}/api`,
  appName: 'clients',
  customHeaders: { Authorization: `Bearer ${key}` },
  refreshInterval: 500,
  disableMetrics: true,
});
const failures = [];
unleash.on('error', (error) => failures.push(error));
const unchanged = once(unleash, 'unchanged');
await once(unleash, 'synchronized');

function payloads() {
  const of = (name) => unleash.getVariant(name, context).payload.value;
  assert.equal(unleash.isEnabled('boolean', context), true);
  assert.equal(unleash.isEnabled('off', context), false);
  assert.equal(of('string'), '42');
  assert.equal(Number(of('integer')), 7);
  assert.equal(Number(of('float')), 1.5);
  assert.deepEqual(JSON.parse(of('object')), { a: [1, null] });
}
payloads();
await unchanged;

const options = { baseUrl: base, headers: [['Authorization', `Bearer ${key}`]] };
await OpenFeature.setProviderAndWait(new OFREPProvider(options));
const flags = OpenFeature.getClient();
const ann = { targetingKey: 'ann' };
assert.equal(await flags.getBooleanValue('boolean', false, ann), true);
assert.equal(await flags.getBooleanValue('off', true, ann), false);
assert.equal(await flags.getStringValue('string', '', ann), '42');
assert.equal(await flags.getNumberValue('integer', 0, ann), 7);
assert.equal(await flags.getNumberValue('float', 0, ann), 1.5);
assert.deepEqual(await flags.getObjectValue('object', {}, ann), { a: [1, null] });
assert.equal(await flags.getStringValue('nothing', 'mine', ann), 'mine');

const page = new UnleashClient({
  url: `${base}/api/frontend`,
  clientKey: publicKey,
  appName: 'page',
  context,
  refreshInterval: 1,
  disableMetrics: true,
  fetch,
  storageProvider: new InMemoryStorageProvider(),
});
const ready = new Promise((resolve) => page.on('ready', resolve));
const lost = new Promise((resolve) => page.on('error', resolve));
await page.start();
await ready;
const shown = () => {
  assert.equal(page.isEnabled('string'), true);
  assert.equal(page.getVariant('string').payload.value, '42');
  assert.equal(page.isEnabled('boolean'), false, 'it is not public');
};
shown();
assert.deepEqual(failures, []);

console.log('read');
await Promise.all([once(unleash, 'warn').catch(() => {}), lost]);
payloads();
shown();
assert.equal(await flags.getStringValue('string', 'mine', ann), 'mine', 'who asks each time has his own default');
console.log('held');
clearTimeout(within);
process.exit(0);
