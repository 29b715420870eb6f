/*
 * The gate against somebody else's provider: oidc-provider, which the OpenID
 * Foundation has certified. What the gate and our own development provider could
 * both have misunderstood in the same way comes out here.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Provider } from 'oidc-provider';
import { freePorts } from '../support/gate.mjs';
import { registerSecret } from '../support/secrets.mjs';
import { assertRefused, route, startSite, tlsListener } from '../support/site.mjs';

const SESSION = '__Host-sallyport';
const USERINFO = '/me';
const MODELS = ['AccessToken', 'AuthorizationCode', 'Grant', 'IdToken', 'Interaction', 'Session'];
const SCOPES = ['openid', 'profile', 'email', 'groups'];

const people = {
  ada: { name: 'Ada', preferred_username: 'ada', email: 'ada@example.com', email_verified: true, groups: ['eng'] },
  cory: {
    name: 'Cory', preferred_username: 'cory', email: 'cory@partner.example', email_verified: true,
    groups: ['contractors'],
  },
};

const jwk = (kid, type, options) =>
  ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, use: 'sig' });
const jwks = { keys: [
  jwk('rsa', 'rsa', { modulusLength: 2048 }), jwk('ec', 'ec', { namedCurve: 'P-256' }), jwk('ed', 'ed25519', {}),
] };

/* Clients of the provider, each an identity provider of the gate and a route below its name. */
const clients = {
  basic: { token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'RS256' },
  post: { token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'RS256' },
  ps256: { id_token_signed_response_alg: 'PS256' },
  es256: { id_token_signed_response_alg: 'ES256' },
  eddsa: { id_token_signed_response_alg: 'EdDSA' },
  fresh: { id_token_signed_response_alg: 'ES256' },
  stranger: { id_token_signed_response_alg: 'ES256' },
};
const idOf = (name) => `gate: ${name} + co`;
const secretOf = (name) => `the ${name} secret + 100% : of it & more, 32 bytes at least`;

/* Starts it on the loopback address: { origin, calls, close() }; calls has the method and path of every request. */
async function startCertified(redirectUri, more = {}) {
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const { warn } = console;
  console.warn = () => {};  /* that it is for development alone, which is what it is used for */
  const provider = new Provider(origin, {
    jwks,
    clients: Object.entries(clients).map(([name, metadata]) => ({
      client_id: idOf(name), client_secret: secretOf(name), redirect_uris: [redirectUri], ...metadata,
    })),
    claims: {
      openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'],
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    pkce: { required: () => true, methods: ['S256'] },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    cookies: { keys: ['of no importance'], long: { sameSite: 'lax' }, short: { sameSite: 'lax' } },
    ttl: Object.fromEntries(MODELS.map((model) => [model, 600])),
    ...more,
  });
  console.warn = warn;
  for (const event of ['access_token.saved', 'authorization_code.saved'])
    provider.on(event, ({ jti }) => registerSecret(event.split('.')[0], jti));
  const calls = [];
  const callback = provider.callback();
  server.on('request', (request, response) => {
    calls.push(`${request.method} ${request.url.split('?')[0]}`);
    callback(request, response);
  });
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { origin, calls, close };
}

let site, lean, full;
before(async () => {
  const [port] = await freePorts(1);
  const redirectUri = `https://localhost:${port}/.sallyport/callback`;
  lean = await startCertified(redirectUri);
  full = await startCertified(redirectUri, { conformIdTokenClaims: false });
  const entry = (name, { origin = lean.origin, client = name, ...more } = {}) => ({
    name, type: 'oidc', issuer: origin, client_id: idOf(client), client_secret: { file: `secrets/${name}` },
    scopes: SCOPES, ...more,
  });
  const providers = [
    entry('basic', { client_authentication: 'client_secret_basic', signing_algorithms: ['RS256'] }),
    entry('post', { client_authentication: 'client_secret_post' }),
    entry('ps256', { signing_algorithms: ['PS256'] }),
    entry('es256', { signing_algorithms: ['ES256'] }),
    entry('eddsa', { signing_algorithms: ['EdDSA'] }),
    entry('fresh'),
    entry('pinned', { client: 'es256', signing_algorithms: ['RS256'] }),
    entry('full', { origin: full.origin, client: 'es256' }),
    entry('stranger'),
  ];
  const secrets = Object.fromEntries(providers.map(({ name, client_id: id }) => [
    `secrets/${name}`, secretOf(Object.keys(clients).find((one) => idOf(one) === id)),
  ]));
  site = await startSite({
    name: 'certified', knobs: null,
    listeners: [tlsListener({ address: `127.0.0.1:${port}` })],
    routes: providers.map(({ name }) => route(name, {
      path: `/${name}`, provider: name, policy: name === 'fresh' ? 'fresh' : 'staff',
    })),
    policies: { fresh: { policy: 'fresh', rules: [
      { id: 'fresh', effect: 'allow', when: { authentication: { max_age: '2s' } } },
    ] } },
    files: { ...secrets, 'secrets/stranger': 'not the secret that the provider knows' },
    config: { identity_providers: providers },
  });
});
after(async () => {
  await site?.stop();
  await Promise.all([lean?.close(), full?.close()]);
});
beforeEach(() => {
  site.upstream.forget();
  lean.calls.length = full.calls.length = 0;
});

const at = (place) => `${site.origin}${place}`;

/* Fills in the provider's pages, if it shows any: who one is, then whether the gate may know. */
async function goThrough(browser, page, as) {
  const prompts = [];
  while (page.url.pathname.startsWith('/interaction/')) {
    assert.equal(page.status, 200, page.text);
    prompts.push(/name="prompt" value="(\w+)"/.exec(page.text)[1]);
    assert.ok(prompts.length <= 2, `asked again and again: ${prompts}`);
    page = await browser.submit(page, { login: as, password: 'any' });
  }
  return { page, prompts };
}

async function signIn(place, { as = 'ada', browser = site.browser() } = {}) {
  return { browser, ...await goThrough(browser, await browser.get(at(place)), as) };
}

describe('a certified provider', () => {
  test('it demands PKCE here: without a challenge it gives no code', async () => {
    const url = new URL(`${lean.origin}/auth`);
    url.search = new URLSearchParams({
      client_id: idOf('basic'), response_type: 'code', scope: 'openid', state: 'a',
      redirect_uri: at('/.sallyport/callback'),
    });
    const answer = await site.browser().get(url, { follow: false });
    assert.match(answer.header('location'), /[?&]error=invalid_request\b/);
  });

  for (const name of ['basic', 'post', 'ps256', 'es256', 'eddsa'])
    test(`a whole login: ${name}`, async () => {
      const place = `/${name}/a%20page?x=1&y=%2F`;
      const { browser, page, prompts } = await signIn(place);
      assert.equal(page.status, 200, page.text);
      assert.equal(page.url.href, at(place));
      assert.deepEqual(prompts, ['login', 'consent']);
      assert.equal(site.upstream.requests.length, 1);
      const { last } = site.upstream;
      assert.equal(last.target, place);
      assert.deepEqual(['user', 'email', 'groups', 'preferred-username'].map((one) =>
        last.header(`x-forwarded-${one}`)), ['ada', 'ada@example.com', 'eng', 'ada']);
      assert.deepEqual(browser.jar.refused, []);
      const line = await site.gate.logLine((one) => one.request_id === last.header('x-request-id'));
      assert.deepEqual([line.user, line.provider, line.rule], ['ada', name, 'engineers']);
    });

  test('claims that only the userinfo endpoint tells are fetched there', async () => {
    await signIn('/es256');
    assert.equal(lean.calls.filter((call) => call.endsWith(USERINFO)).length, 1, lean.calls.join());
    assert.equal(site.upstream.last.header('x-forwarded-groups'), 'eng');
  });

  test('and not when the ID token has them', async () => {
    const { page } = await signIn('/full');
    assert.equal(page.status, 200, page.text);
    assert.equal(site.upstream.last.header('x-forwarded-groups'), 'eng');
    assert.deepEqual(full.calls.filter((call) => call.endsWith(USERINFO)), []);
  });

  test('the policy refuses somebody whom the provider vouches for', async () => {
    const { page } = await signIn('/basic', { as: 'cory' });
    assertRefused(page, 403, site.upstream);
    assert.match(page.text, /Contractors use the partner portal\./);
  });

  test('signing out at the gate: back in without a password, and under a new session', async () => {
    const { browser } = await signIn('/basic');
    const before = browser.jar.get(SESSION).value;
    const left = await browser.post(at('/.sallyport/logout'));
    assert.equal(left.status, 200, left.text);
    assert.equal(browser.jar.get(SESSION), undefined);
    site.upstream.forget();
    const refused = await site.request({ target: '/basic', headers: { Cookie: `${SESSION}=${before}` } });
    assertRefused(refused, 401, site.upstream);
    const { page, prompts } = await signIn('/basic', { browser });
    assert.deepEqual([page.status, prompts], [200, []]);
    assert.notEqual(browser.jar.get(SESSION).value, before);
  });

  test('a policy that wants a recent login gets one, with the password asked again', async () => {
    const { browser, page } = await signIn('/fresh');
    assert.equal(page.status, 200, page.text);
    await sleep(3100);
    const again = await signIn('/fresh/again', { browser });
    assert.deepEqual([again.page.status, again.prompts], [200, ['login']], again.page.text);
    assert.equal(again.page.url.href, at('/fresh/again'));
  });

  test('the provider\'s own cancel link ends on a page of the gate', async () => {
    const browser = site.browser();
    const page = await browser.get(at('/basic'));
    const [, abort] = /href="([^"]*\/abort)"/.exec(page.text);
    const end = await browser.get(new URL(abort, page.url));
    assert.equal(end.url.pathname, '/.sallyport/callback');
    assertRefused(end, 403, site.upstream);
    assert.match(end.text, /<h1>Sign-in failed<\/h1>/);
  });
});

describe('what cannot work', () => {
  const rows = [
    ['a client secret that the provider does not know', 'stranger', /invalid_client/],
    ['an algorithm that is not among those pinned', 'pinned', /ES256|algorithm/i],
  ];
  for (const [name, provider, cause] of rows)
    test(`${name}: a page, and the cause in the log`, async () => {
      const from = site.gate.stderr.length;
      const { browser, page } = await signIn(`/${provider}`);
      assertRefused(page, 502, site.upstream);
      assert.match(page.text, /<h1>Sign-in failed<\/h1>/);
      assert.doesNotMatch(page.text, cause, 'which is not for the person');
      assert.equal(browser.jar.get(SESSION), undefined);
      const [, id] = /<code>(\w+)<\/code>/.exec(page.text);
      const line = await site.gate.logLine((one) => one.request_id === id);
      assert.deepEqual([line.status, line.reason, line.user], [502, 'login_failed', '']);
      await site.gate.waitForStderr(cause, { from });
      assert.match(site.gate.stderr.slice(from), new RegExp(`${id}.*${provider}`));
    });
});
