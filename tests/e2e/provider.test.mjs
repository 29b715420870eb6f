/*
 * The development provider itself, before anything relies on it: a strict client
 * takes every sound answer and notices every fault of the catalogue, and the
 * provider is strict where a careless client must be caught.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser } from '../support/browser.mjs';
import { usualCerts } from '../support/certs.mjs';
import { request } from '../support/client.mjs';
import { cases } from '../support/provider/cases.mjs';
import { challengeOf, decodeJws, verifyJws } from '../support/provider/jose.mjs';
import { startProvider } from '../support/provider/provider.mjs';
import { RelyingParty } from '../support/relying_party.mjs';
import { assertNoSecrets, registerSecret } from '../support/secrets.mjs';

/* An id and a secret that Basic carries only when they are form-encoded first. */
const client = {
  client_id: 'the client:1', client_secret: 'sécret + 100% : of it', name: 'The tests',
  redirect_uris: ['http://127.0.0.1:1/callback'], post_logout_redirect_uris: ['http://127.0.0.1:1/bye'],
};

let provider;
before(async () => { provider = await startProvider({ clients: [client], onSecret: registerSecret }); });
after(() => provider.close());

const stopAtClient = (url) => url.origin !== 'http://127.0.0.1:1';

async function relyingParty(id, knobs) {
  provider.case(id, knobs);
  const rp = new RelyingParty(provider.issuer(id), client);
  await rp.discover();
  return rp;
}

/* Goes through the authorize endpoint without a page, or as the options say; the parameters sent back. */
async function authorize(rp, { browser = new Browser(), as = 'ada', more = {} } = {}) {
  const url = rp.authorizationUrl(more);
  const options = { follow: stopAtClient };
  const answer = await (as ? browser.login(url, { as, ...options }) : browser.get(url, options));
  assert.equal(answer.status, 303, answer.text);
  return new URL(answer.header('location')).searchParams;
}

async function login(id, knobs, options) {
  const rp = await relyingParty(id, knobs);
  return rp.finish(await authorize(rp, options));
}

describe('the catalogue of faults', () => {
  test('has each id once', () => assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length));

  for (const { id, expect, never, knobs } of cases)
    test(`${id}: ${expect}`, async () => {
      if (expect === 'accept') {
        const { claims } = await login(id, knobs);
        assert.equal(claims.sub, 'user-ada-5f0c2a');
        assert.equal(claims.email, 'ada@example.com');
        assert.deepEqual(claims.groups, ['eng']);
        return;
      }
      const outcome = await login(id, knobs).catch((error) => error);
      if (expect === 'refuse')
        assert.ok(outcome instanceof Error, 'the client noticed nothing');
      assert.ok(provider.calls(id, 'discovery').length > 0, 'the client never came');
      for (const endpoint of never)
        assert.equal(provider.calls(id, endpoint).length, 0, `${endpoint} was called after: ${outcome.message}`);
    });
});

describe('signatures (published vectors)', () => {
  test('ES256, RFC 7515, A.3', () => assert.ok(verifyJws(
    'eyJhbGciOiJFUzI1NiJ9.'
    + 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.'
    + 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
    { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' }, 'ES256')));
  test('EdDSA, RFC 8037, A.4', () => assert.ok(verifyJws(
    'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.'
    + 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }, 'EdDSA')));
  test('the code challenge, RFC 7636, B', () => assert.equal(
    challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'));
});

describe('the token endpoint is strict', () => {
  const refused = [
    ['another verifier', (rp, code) => rp.redeem(code, 'a'.repeat(43)), /invalid_grant.*code_verifier/],
    ['another redirect_uri', (rp, code) => rp.redeem(code, rp.flow.verifier, { redirect_uri: `${rp.redirectUri}/` }),
      /invalid_grant.*redirect_uri/],
    ['an unknown code', (rp) => rp.redeem('code-of-nobody', rp.flow.verifier), /invalid_grant/],
    ['another secret', (rp, code) => {
      rp.client = { ...client, client_secret: 'guessed' };
      return rp.redeem(code, rp.flow.verifier);
    }, /401.*invalid_client/],
    ['a code used twice', async (rp, code) => {
      const { access_token: token } = await rp.redeem(code, rp.flow.verifier);
      await assert.rejects(rp.redeem(code, rp.flow.verifier), /used before/);
      const { pathname } = new URL(rp.metadata.userinfo_endpoint);
      const answer = await request({ port: new URL(provider.origin).port, target: pathname,
        headers: { authorization: `Bearer ${token}` } });
      throw new Error(`the token of that code: ${answer.status}`);
    }, /401/],
  ];
  for (const [name, attempt, fault] of refused)
    test(name, async () => {
      const rp = await relyingParty('strict');
      const code = (await authorize(rp)).get('code');
      await assert.rejects(attempt(rp, code), fault);
    });

  test('a public client may not leave PKCE out', async () => {
    const rp = await relyingParty('strict');
    const params = await authorize(rp, { more: { code_challenge_method: 'plain' } });
    assert.equal(params.get('error'), 'invalid_request');
    assert.equal(params.get('code'), null);
  });

  test('only basic, only post', async () => {
    const rp = await relyingParty('only-post', { token: { auth: 'post' } });
    rp.metadata.token_endpoint_auth_methods_supported = ['client_secret_basic'];
    await assert.rejects(rp.finish(await authorize(rp)), /invalid_client/);
    assert.match(provider.calls('only-post', 'token')[0].headers.authorization, /^Basic /);
  });
});

describe('the authorize endpoint', () => {
  test('shows a page, takes the choice, remembers it until end_session', async () => {
    const rp = await relyingParty('page');
    const browser = new Browser();
    const page = await browser.get(rp.authorizationUrl(), { follow: stopAtClient });
    assert.equal(page.status, 200);
    for (const label of ['Sign in as Ada, engineer', 'Sign in as Cory, contractor', 'Sign in as Aud, auditor'])
      assert.ok(page.text.includes(label), label);
    const chosen = await browser.submit(page, { auto: 'cory' }, { follow: stopAtClient });
    const { claims, tokens } = await rp.finish(new URL(chosen.header('location')).searchParams);
    assert.equal(claims.name, 'Cory');

    const again = await authorize(rp, { browser, as: null });
    assert.equal((await rp.finish(again)).claims.sub, claims.sub);

    const bye = new URL(rp.metadata.end_session_endpoint);
    bye.search = new URLSearchParams({
      id_token_hint: tokens.id_token, state: 's', post_logout_redirect_uri: client.post_logout_redirect_uris[0],
    });
    const gone = await browser.get(bye, { follow: false });
    assert.equal(gone.header('location'), 'http://127.0.0.1:1/bye?state=s');
    assert.equal((await authorize(rp, { browser, as: null, more: { prompt: 'none' } })).get('error'), 'login_required');
  });

  test('asks again for prompt=login, a spent max_age and a stronger acr', async () => {
    const rp = await relyingParty('again');
    const browser = new Browser();
    await authorize(rp, { browser });
    for (const more of [{ prompt: 'login' }, { max_age: '0' }, { acr_values: 'phrh' }]) {
      const page = await browser.get(rp.authorizationUrl(more), { follow: stopAtClient });
      assert.equal(page.status, 200, JSON.stringify(more));
      assert.ok(page.text.indexOf('with a security key') < page.text.indexOf('group eng'), 'the strong way is first');
    }
    const stronger = await authorize(rp, { browser, as: 'ada/strong', more: { acr_values: 'phrh' } });
    const { claims } = await rp.finish(stronger);
    assert.deepEqual([claims.acr, claims.amr], ['phrh', ['pwd', 'hwk', 'mfa']]);
    assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 5);
    await authorize(rp, { browser, as: null, more: { acr_values: 'phrh', max_age: '300' } });
  });

  test('puts the hinted user first', async () => {
    const rp = await relyingParty('hint');
    const { text } = await new Browser().get(rp.authorizationUrl({ login_hint: 'aud@example.com' }));
    assert.ok(text.indexOf('as Aud') < text.indexOf('as Ada'));
  });

  test('sends nobody to a redirect_uri it does not know, and escapes what it shows', async () => {
    const rp = await relyingParty('redirect');
    const browser = new Browser();
    for (const more of [{ redirect_uri: `${client.redirect_uris[0]}/` }, { redirect_uri: 'https://evil.example/' },
      { client_id: '<b>' }]) {
      const answer = await browser.login(rp.authorizationUrl(more), { follow: stopAtClient });
      assert.equal(answer.status, 400);
      assert.equal(answer.header('location'), undefined);
    }
    const { text } = await browser.get(rp.authorizationUrl({ state: '"><script>' }));
    assert.ok(!text.includes('<script'));
  });

  test('answers by form_post', async () => {
    const rp = await relyingParty('form-post');
    const { text } = await new Browser().login(rp.authorizationUrl({ response_mode: 'form_post' }));
    assert.ok(text.includes(`<form method="post" action="${client.redirect_uris[0]}">`));
    assert.match(text, /name="code" value="code-[\w-]+"/);
  });
});

describe('keys and tokens', () => {
  test('rotation between two logins', async () => {
    const rp = await relyingParty('rotation');
    await rp.finish(await authorize(rp));
    provider.case('rotation').rotateKeys();
    await rp.finish(await authorize(rp));
    assert.equal(provider.calls('rotation', 'jwks').length, 2);
  });

  test('a token of one case means nothing in another', async () => {
    const { tokens } = await login('one');
    const other = await relyingParty('other');
    await assert.rejects(other.verifyIdToken(tokens.id_token), /0 keys fit|signature|the token is of/);
  });

  test('refresh, each token once', async () => {
    const rp = await relyingParty('refresh', { token: { refresh: true } });
    const { tokens } = await rp.finish(await authorize(rp));
    const refresh = () => rp.tokenCall({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    const fresh = await refresh();
    const claims = await rp.verifyIdToken(fresh.id_token, { accessToken: fresh.access_token });
    assert.equal(claims.sub, 'user-ada-5f0c2a');
    await assert.rejects(refresh(), /invalid_grant/);
  });

  test('claims at userinfo alone, and by scope', async () => {
    const rp = await relyingParty('scopes', { idToken: { claims: 'userinfo' } });
    const { claims, tokens } = await rp.finish(await authorize(rp, { more: { scope: 'openid email' } }));
    assert.equal(decodeJws(tokens.id_token).payload.email, undefined);
    assert.deepEqual([claims.email, claims.groups], ['ada@example.com', undefined]);
  });

  test('a logout token', () => {
    const token = provider.case('out').logoutToken({ sub: 's', sid: 'x', aud: client.client_id });
    const { header, payload } = decodeJws(token);
    assert.equal(header.typ, 'logout+jwt');
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
  });
});

describe('the wire', () => {
  const get = (id, options = {}) => request({ port: new URL(provider.origin).port,
    target: `/${id}/.well-known/openid-configuration`, ...options });
  const faulty = (id, discovery) => provider.case(id, { discovery });

  test('a giant answer is made on demand, and ends with its reader', async () => {
    faulty('giant', { giantBytes: 1e9 });
    const before = process.memoryUsage().rss;
    await assert.rejects(get('giant', { timeoutMs: 300 }), /in time/);
    assert.ok(process.memoryUsage().rss - before < 900e6);
  });
  test('silence', async () => {
    faulty('silent', { delayMs: Infinity });
    await assert.rejects(get('silent', { timeoutMs: 200 }), /in time/);
  });
  test('truncation and reset are told apart', async () => {
    faulty('short', { truncateAt: 10 });
    await assert.rejects(get('short'), /orderly/);
    faulty('reset', { resetAt: 10 });
    await assert.rejects(get('reset'), /ECONNRESET/);
  });
  test('the same over TLS', async (t) => {
    const { server, serverCa } = usualCerts();
    const secure = await startProvider({ tls: { key: server.key, cert: server.cert } });
    t.after(() => secure.close());
    const ask = () => request({ port: new URL(secure.origin).port, tls: { ca: serverCa.cert, servername: 'localhost' },
      target: '/.well-known/openid-configuration' });
    assert.equal((await ask()).json.issuer, secure.origin);
    secure.case('default', { discovery: { resetAt: 10 } });
    await assert.rejects(ask(), /closed/);
  });
  test('drips', async () => {
    faulty('drip', { drip: { bytes: 200, everyMs: 20 } });
    const start = Date.now();
    assert.equal((await get('drip')).json.issuer, provider.issuer('drip'));
    assert.ok(Date.now() - start > 80);
  });
  test('redirect chains, with an end and without', async () => {
    const follow = (id) => new Browser().get(`${provider.issuer(id)}/.well-known/openid-configuration`);
    faulty('chain', { redirects: 2 });
    assert.equal((await follow('chain')).hops.length, 3);
    faulty('endless', { redirects: Infinity });
    await assert.rejects(follow('endless'), /redirect loop/);
  });
  test('every call is recorded', async () => {
    provider.case('recorded');
    await get('recorded', { headers: { 'X-Odd': 'Yes' } });
    const [call] = await provider.waitForCalls('recorded', 'discovery');
    assert.equal(call.headers['x-odd'], 'Yes');
    assert.ok(call.rawHeaders.includes('X-Odd'));
    assert.equal(call.status, 200);
    await assert.rejects(provider.waitForCalls('recorded', 'token', { timeoutMs: 20 }), /0 of 1/);
  });
});

test('a misspelt knob is an error', () => {
  assert.throws(() => provider.case('typo', { idToken: { nonse: 'wrong' } }), /unknown knob "idToken.nonse"/);
  assert.throws(() => provider.case('typo', { idtoken: {} }), /unknown knob "idtoken"/);
});

test('secrets are known to the canary search, in their encodings too', () => {
  const secret = client.client_secret;
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    assert.throws(() => assertNoSecrets(`x ${form} y`), /client_secret.*<the secret>/);
  assertNoSecrets('an innocent line');
});
