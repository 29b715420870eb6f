/*
 * Signing in, being somebody, signing out: the whole way through the provider and
 * back, what the application is told, and all that must not open a door.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestBytes } from '../support/client.mjs';
import { freePorts } from '../support/gate.mjs';
import { decodeJws, verifyJws } from '../support/provider/jose.mjs';
import { startProvider } from '../support/provider/provider.mjs';
import { users } from '../support/provider/users.mjs';
import { registerSecret } from '../support/secrets.mjs';
import { assertRefused, client, providerConfig, publicRoute, route, startSite } from '../support/site.mjs';

const SESSION = '__Host-sallyport';
const FLOW = '__Host-sallyport-login-';

/* One of the staff whose claims are as odd as a directory lets them be, one with many groups, one without an address. */
const person = (login, claims) => ({ login, title: 'engineer', amr: ['pwd'], acr: '1',
  claims: { sub: `user-${login}`, name: login, preferred_username: login, groups: ['eng'], ...claims } });
const cast = [
  ...users,
  person('odd', { sub: 'user-odd-"<x>', name: '</dd><script>alert(1)</script>', preferred_username: 'odd\r\nX-Admin: 1',
    email: 'odd@example.com', email_verified: false, groups: ['eng', 'a,b', 'x\r\nX-Admin: 1', 'naïve', '50%', ' '] }),
  person('many', { groups: ['eng', ...Array.from({ length: 300 }, (_, i) => `group-number-${i}`)] }),
];

const strong = {
  policy: 'strong',
  rules: [{ id: 'strong', effect: 'allow', when: { all: [
    { claim: 'groups', has: 'eng' }, { authentication: { acr: ['phrh'], max_age: '10m' } }] } }],
};

let site, closed;
before(async () => {
  [closed] = await freePorts(1);
  site = await startSite({
    name: 'login', users: cast,
    identity: (provider) => [
      providerConfig(provider.origin),
      { ...providerConfig(provider.case('silent', { discovery: { delayMs: Infinity } }).issuer), name: 'silent', timeout: '1s' },
      { ...providerConfig(provider.case('stuck', { token: { delayMs: Infinity } }).issuer), name: 'stuck', timeout: '1s' },
      { ...providerConfig(`http://127.0.0.1:${closed}`), name: 'away', timeout: '1s' },
      { ...providerConfig(provider.case('lying', { idToken: { nonce: 'wrong' } }).issuer), name: 'lying' },
      { ...providerConfig(provider.case('other').issuer), name: 'other' },
    ],
    routes: [
      route('app', { identity_headers: { 'Remote-User': 'preferred_username', 'X-Display': 'name' } }),
      route('strong', { path: '/strong', policy: 'strong' }),
      route('api', { path: '/api', methods: ['bearer', 'session'] }),
      publicRoute('public', { path: '/public' }),
      ...['silent', 'stuck', 'away', 'lying', 'other'].map((name) => route(name, { path: `/${name}`, provider: name })),
      route('elsewhere', { hosts: ['elsewhere.example.com'] }),
    ],
    policies: { strong },
  });
});
after(() => site?.stop());
beforeEach(() => site.upstream.forget());

const at = (place) => `${site.origin}${place}`;
const sessionOf = (browser) => browser.jar.get(SESSION)?.value;
const flowsOf = (browser) => browser.jar.cookies.filter(({ name }) => name.startsWith(FLOW));
const withCookie = (value, more = {}) => site.request({ ...more, headers: { Cookie: `${SESSION}=${value}`, ...more.headers } });
const stops = { follow: false };

/* Goes as far as the provider's answer, and does not call back: the callback's URL. */
async function callbackOf(browser, place = '/', as = 'ada') {
  const answer = await browser.login(at(place), { as, follow: (url) => !url.pathname.endsWith('/callback') });
  assert.equal(answer.status, 303, answer.text);
  return new URL(answer.header('location'));
}

describe('the way in', () => {
  test('to the provider, back, and to the place asked for', async () => {
    const browser = site.browser();
    const place = '/wiki/page%20one?x=1&y=%2F&z=a+b';
    const page = await browser.login(at(place), { as: 'ada' });
    assert.equal(page.status, 200);
    assert.equal(page.url.href, at(place));
    assert.deepEqual(page.hops.map(({ status }) => status), [302, 303, 302, 200]);
    assert.equal(site.upstream.last.target, place);
    assert.equal(site.upstream.requests.length, 1, 'the application saw nothing before');

    const [toProvider, , back] = page.hops;
    const asked = new URL(toProvider.location);
    assert.equal(asked.origin, site.provider.origin);
    const params = Object.fromEntries(asked.searchParams);
    assert.equal(params.response_type, 'code');
    assert.equal(params.client_id, client.client_id);
    assert.equal(params.redirect_uri, at('/.sallyport/callback'));
    assert.deepEqual(params.scope.split(' ').sort(), ['email', 'groups', 'openid', 'profile']);
    assert.equal(params.code_challenge_method, 'S256');
    for (const name of ['state', 'nonce', 'code_challenge'])
      assert.match(params[name], /^[\w-]{22,}$/, name);
    for (const { response } of [toProvider, back])
      assert.equal(response.header('cache-control'), 'no-store');

    const cookie = browser.jar.get(SESSION);
    assert.match(cookie.value, /^[\w-]{43}$/);
    assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.hostOnly, cookie.expires],
      [true, true, 'lax', '/', true, Infinity]);
    assert.deepEqual(browser.jar.refused, []);
    assert.deepEqual(flowsOf(browser), [], 'the cookie of the flow is gone');
    for (const line of toProvider.response.all('set-cookie'))
      assert.match(line, /^__Host-sallyport-login-[\w-]+=[^;]+;(?=.*\bSecure\b)(?=.*\bHttpOnly\b)(?=.*\bPath=\/(;|$))(?=.*\bSameSite=Lax\b)/i);
  });

  test('is gone only once: the next request needs no provider', async () => {
    const browser = await site.signedIn();
    site.provider.forgetCalls();
    for (let i = 0; i < 5; i++)
      assert.equal((await browser.get(at(`/n${i}`), stops)).status, 200);
    assert.equal(site.provider.recorded.length, 0);
  });

  test('the session cookie and the flow\'s never reach the application', async () => {
    const browser = await site.signedIn();
    await browser.get(at('/.sallyport/login'), stops);
    browser.jar.set(new URL(at('/')), 'theirs=1; Path=/');
    await browser.get(at('/'));
    assert.equal(site.upstream.last.header('cookie'), 'theirs=1');
  });

  test('two tabs do not collide', async () => {
    const browser = site.browser();
    const [first, second] = [await callbackOf(browser, '/first'), await callbackOf(browser, '/second')];
    assert.equal(flowsOf(browser).length, 2);
    for (const [callback, place] of [[first, '/first'], [second, '/second']]) {
      const page = await browser.get(callback);
      assert.deepEqual([page.status, page.url.pathname], [200, place]);
    }
    assert.equal(flowsOf(browser).length, 0);
  });

  test('at most five at a time, and the latest of them can be finished', async () => {
    const browser = site.browser();
    const callbacks = [];
    for (let i = 0; i < 8; i++)
      callbacks.push(await callbackOf(browser, `/n${i}`));
    assert.equal(flowsOf(browser).length, 5);
    assert.equal((await browser.get(callbacks[0], stops)).status, 400, 'the oldest was given up');
    const page = await browser.get(callbacks[7]);
    assert.deepEqual([page.status, page.url.pathname], [200, '/n7']);
  });

  test('each login has a new session id, and the one before ends', async () => {
    const browser = await site.signedIn();
    const old = sessionOf(browser);
    const page = await browser.login(at('/.sallyport/login?rd=/again'));
    assert.equal(page.url.pathname, '/again');
    assert.notEqual(sessionOf(browser), old);
    assert.equal((await withCookie(old)).status, 401);
    assert.equal((await withCookie(sessionOf(browser))).status, 200);
  });

  test('an id that somebody put into the browser is not taken', async () => {
    const browser = site.browser();
    const planted = 'A'.repeat(43);
    browser.jar.set(new URL(at('/')), `${SESSION}=${planted}; Path=/; Secure`);
    await browser.login(at('/'));
    assert.notEqual(sessionOf(browser), planted);
    assert.equal((await withCookie(planted)).status, 401);
  });

  test('a person with very many groups is let in', async () => {
    const browser = await site.signedIn('many');
    assert.equal((await browser.get(at('/'))).status, 200);
    assert.equal(site.upstream.last.header('x-forwarded-groups').split(',').length, 301);
  });

  test('two hundred requests of one session at once are all of one person', async () => {
    const [ada, odd] = [await site.signedIn('ada'), await site.signedIn('odd')];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
      withCookie(sessionOf(i % 2 ? ada : odd), { target: `/who/${i}` })));
    assert.ok(answers.every(({ status }) => status === 200));
    for (const { target, ...one } of site.upstream.requests)
      if (target.startsWith('/who/'))
        assert.equal(Object.fromEntries(one.headers)['X-Forwarded-User'],
          Number(target.slice(5)) % 2 ? 'user-ada-5f0c2a' : 'user-odd-"<x>');
  });
});

describe('who is not signed in', () => {
  const navigation = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': 'none' };
  const rows = [
    ['a navigation', 'GET', navigation, 302], ['a HEAD of it', 'HEAD', navigation, 302],
    ['an older browser', 'GET', { Accept: 'text/html,*/*;q=0.8' }, 302],
    ['a form that is posted', 'POST', navigation, 401], ['a PUT', 'PUT', {}, 401],
    ['a script', 'GET', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, 401],
    ['a script that asks for HTML', 'GET', { Accept: 'text/html', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, 401],
    ['a script of old', 'GET', { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' }, 401],
    ['an image', 'GET', { Accept: 'image/avif,*/*', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }, 401],
    ['a frame', 'GET', { ...navigation, 'Sec-Fetch-Dest': 'iframe' }, 401],
    ['curl', 'GET', { Accept: '*/*' }, 401], ['nothing at all', 'GET', {}, 401],
    ['a health checker', 'GET', { 'User-Agent': 'GoogleHC/1.0' }, 401],
    ['a bearer of nothing', 'GET', { Authorization: 'Bearer x' }, 401],
    ['Basic', 'GET', { Authorization: 'Basic eDp5' }, 401],
    ['a made-up identity', 'GET', { 'X-Forwarded-User': 'user-ada-5f0c2a', 'X-Forwarded-Uri': '/public' }, 401],
    ['OPTIONS', 'OPTIONS', { Origin: 'https://evil.example' }, 401],
  ];
  for (const [name, method, headers, status] of rows)
    test(`${name}: ${status}`, async () => {
      const response = await site.request({ method, headers, target: '/private' });
      assertRefused(response, status, site.upstream);
      assert.equal(response.header('www-authenticate') !== undefined, status === 401);
      assert.equal(response.all('set-cookie').length > 0, status === 302, 'only a navigation begins a login');
      const line = await site.gate.logLine((one) => one.request_uri === '/private' && one.status === status);
      assert.deepEqual([line.decision, line.user, line.authenticated_by], ['login', '', 'none']);
      assert.equal(line.reason, status === 302 ? 'login_started' : 'not_signed_in');
    });

  const cookies = ['', '%%%', 'x', 'A'.repeat(42), 'A'.repeat(43), 'A'.repeat(44), 'A'.repeat(4000), '"', '_'.repeat(43), '../../x', '%00'];
  for (const value of cookies)
    test(`a session cookie that means nothing: ${JSON.stringify(value.slice(0, 50))} (${value.length})`, async () => {
      assertRefused(await withCookie(value), 401, site.upstream);
    });

  test('a session id changed in any one character', async () => {
    const id = sessionOf(await site.signedIn());
    site.upstream.forget();
    for (let i = 0; i < id.length; i++) {
      const other = id.slice(0, i) + (id[i] === 'A' ? 'B' : 'A') + id.slice(i + 1);
      assert.equal((await withCookie(other, { target: '/flipped' })).status, 401, `character ${i}`);
    }
    site.upstream.assertUntouched();
    assert.equal((await withCookie(id)).status, 200);
  });

  test('a session cookie that is there twice', async () => {
    const id = sessionOf(await site.signedIn());
    site.upstream.forget();
    for (const header of [`${SESSION}=x; ${SESSION}=${id}`, `${SESSION}=${id}; ${SESSION}=x`])
      assertRefused(await site.request({ headers: { Cookie: header } }), 401, site.upstream);
  });

  test('a session is good for the host it was made for', async () => {
    const id = sessionOf(await site.signedIn());
    site.upstream.forget();
    assertRefused(await withCookie(id, { host: 'elsewhere.example.com' }), 401, site.upstream);
  });

  test('a session of one provider opens nothing that relies on another', async () => {
    const id = sessionOf(await site.signedIn());
    site.upstream.forget();
    assertRefused(await withCookie(id, { target: '/other' }), 401, site.upstream);
  });

  test('a public page is served all the same, without an identity', async () => {
    const id = sessionOf(await site.signedIn());
    assert.equal((await withCookie(id, { target: '/public' })).status, 200);
    assert.equal(site.upstream.last.header('x-forwarded-user'), undefined);
    assert.equal((await site.request({ target: '/public' })).status, 200);
  });
});

describe('what the application is told', () => {
  test('the usual headers and those of the route, once each', async () => {
    const browser = await site.signedIn('ada');
    await browser.get(at('/'), { headers: { 'X-Forwarded-User': 'root', X_Forwarded_Groups: 'root', 'remote-user': 'root',
      Connection: 'X-Forwarded-User, Remote-User, X-Sallyport-Assertion' } });
    const { last } = site.upstream;
    const want = { 'x-forwarded-user': 'user-ada-5f0c2a', 'x-forwarded-email': 'ada@example.com', 'x-forwarded-groups': 'eng',
      'x-forwarded-preferred-username': 'ada', 'remote-user': 'ada', 'x-display': 'Ada', 'x-forwarded-proto': 'https',
      'x-forwarded-host': new URL(site.origin).host };
    for (const [name, value] of Object.entries(want))
      assert.deepEqual(last.folded(name), [value], name);
    site.upstream.assertClean();
  });

  test('an address nobody verified is not told; odd values break nothing', async () => {
    await site.signedIn('odd');
    const { last } = site.upstream;
    assert.equal(last.header('x-forwarded-email'), undefined);
    assert.equal(last.header('x-admin'), undefined);
    assert.equal(last.header('x-forwarded-preferred-username'), undefined, 'a value with a line break says nothing');
    const groups = last.header('x-forwarded-groups').split(',');
    assert.equal(groups.length, 6, groups.join());
    assert.ok(groups.includes('a%2Cb'));
    site.upstream.assertClean();
  });

  test('the signed assertion', async () => {
    const browser = await site.signedIn('ada', '/somewhere');
    const { keys } = (await site.request({ target: '/.sallyport/jwks.json' })).json;
    const token = registerSecret('assertion', site.upstream.last.header('x-sallyport-assertion'));
    const { header, payload } = decodeJws(token);
    const key = keys.find(({ kid }) => kid === header.kid);
    assert.equal(header.alg, 'ES256');
    assert.ok(key && verifyJws(token, key, 'ES256'), 'the signature');
    const { iat, exp, sid, ...claims } = payload;
    assert.deepEqual(claims, { iss: site.origin, aud: 'app', sub: 'user-ada-5f0c2a', email: 'ada@example.com', groups: ['eng'] });
    assert.equal(exp - iat, 60);
    assert.ok(Math.abs(iat - Date.now() / 1000) < 5);
    assert.ok(sid && sid !== sessionOf(browser), 'the session has a public name');

    await browser.get(at('/api/x'));
    const other = decodeJws(site.upstream.last.header('x-sallyport-assertion')).payload;
    assert.deepEqual([other.aud, other.sid], ['api', sid]);
    await site.request({ target: '/public', headers: { 'X-Sallyport-Assertion': token } });
    assert.deepEqual(site.upstream.last.folded('x-sallyport-assertion'), []);
  });

  test('answers to somebody signed in are not for shared caches', async () => {
    const browser = await site.signedIn();
    assert.equal((await browser.get(at('/'))).header('cache-control'), 'private');
  });
});

describe('who am I', () => {
  test('as a page', async () => {
    const browser = await site.signedIn();
    const page = await browser.get(at('/.sallyport/whoami'));
    assert.equal(page.status, 200);
    for (const text of ['user-ada-5f0c2a', 'ada@example.com', 'eng', 'corp', 'Sign out'])
      assert.ok(page.text.includes(text), text);
    assert.match(page.header('content-type'), /^text\/html; charset=utf-8$/);
    const policy = page.header('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|script-src(?! 'none')/);
    assert.doesNotMatch(page.text, /<script|\bon\w+=|style=/i);
    assert.equal(page.header('cache-control'), 'no-store');
  });
  test('as JSON, with a fixed list of members', async () => {
    const browser = await site.signedIn();
    const answer = await browser.fetch(at('/.sallyport/whoami'), { headers: { accept: 'application/json' } });
    const { signed_in_at: since, expires_at: until, ...rest } = answer.json;
    assert.deepEqual(rest, { user: 'user-ada-5f0c2a', name: 'Ada', email: 'ada@example.com', preferred_username: 'ada', groups: ['eng'],
      provider: 'corp', authenticated_by: 'session' });
    assert.ok(Math.abs(since - Date.now() / 1000) < 10);
    assert.equal(until - since, 12 * 3600);
  });
  test('claims are text, whatever they hold', async () => {
    const browser = await site.signedIn('odd');
    const page = await browser.get(at('/.sallyport/whoami'));
    assert.ok(!page.text.includes('<script'));
    assert.ok(page.text.includes('&lt;script&gt;'));
  });
  test('nobody: a navigation signs in and comes back, a script gets 401', async () => {
    const browser = site.browser();
    const page = await browser.login(at('/.sallyport/whoami'));
    assert.deepEqual([page.status, page.url.pathname], [200, '/.sallyport/whoami']);
    const answer = await site.request({ target: '/.sallyport/whoami', headers: { Accept: 'application/json' } });
    assertRefused(answer, 401, site.upstream);
    assert.ok(answer.header('www-authenticate'));
  });
});

describe('the way out', () => {
  test('by the button: the cookie is cleared, and the session dead on the server', async () => {
    const browser = await site.signedIn();
    const id = sessionOf(browser);
    const bye = await browser.submit(await browser.get(at('/.sallyport/whoami')));
    assert.equal(bye.status, 200);
    assert.match(bye.text, /signed out/i);
    assert.equal(sessionOf(browser), undefined);
    assert.match(bye.header('set-cookie'), /^__Host-sallyport=;(?=.*Max-Age=0)(?=.*Secure)(?=.*Path=\/)(?=.*HttpOnly)/i);
    assert.equal(bye.header('cache-control'), 'no-store');
    site.upstream.forget();
    assertRefused(await withCookie(id), 401, site.upstream);
    assertRefused(await withCookie(id, { target: '/.sallyport/whoami' }), 401, site.upstream);
  });
  test('not by a GET', async () => {
    const browser = await site.signedIn();
    const answer = await browser.get(at('/.sallyport/logout'), stops);
    assert.deepEqual([answer.status, answer.header('allow')], [405, 'POST']);
    assert.equal((await browser.get(at('/'), stops)).status, 200);
  });
  for (const [name, headers] of [
    ['a form of another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['a sibling of the site', { Origin: 'https://evil.localhost', 'Sec-Fetch-Site': 'same-site' }],
    ['an older browser from elsewhere', { Origin: 'https://evil.example' }],
    ['a sandboxed frame', { Origin: 'null' }], ['the same host over http', { Origin: 'http://localhost' }],
    ['Fetch Metadata alone', { 'Sec-Fetch-Site': 'cross-site' }],
  ])
    test(`not by ${name}`, async () => {
      const id = sessionOf(await site.signedIn());
      site.upstream.forget();
      assertRefused(await withCookie(id, { method: 'POST', target: '/.sallyport/logout', headers }), 403, site.upstream);
      assert.equal((await withCookie(id)).status, 200);
    });
  test('for nobody it is no error', async () => {
    assert.equal((await site.request({ method: 'POST', target: '/.sallyport/logout' })).status, 200);
  });
  test('nowhere else, whatever is asked for', async () => {
    const browser = await site.signedIn();
    const bye = await browser.post(at('/.sallyport/logout?rd=//evil.example'), { rd: 'https://evil.example' }, stops);
    assert.deepEqual([bye.status, bye.header('location')], [200, undefined]);
  });
});

describe('a person whom the policy refuses', () => {
  test('gets a page with the message, a request id and a way to sign out; the application knows nothing', async () => {
    const browser = site.browser();
    const page = await browser.login(at('/wiki'), { as: 'cory' });
    assertRefused(page, 403, site.upstream);
    assert.ok(page.text.includes('Contractors use the partner portal.'));
    assert.ok(page.text.includes('cory@partner.example'));
    assert.match(page.text, /<form method="post" action="\/\.sallyport\/logout">/);
    const line = await site.gate.logLine(({ user, status }) => user === 'user-cory-91be07' && status === 403);
    assert.ok(page.text.includes(line.request_id), 'the id of the log line');
    assert.deepEqual([line.decision, line.rule, line.reason, line.provider, line.authenticated_by],
      ['deny', 'no-contractors', 'denied', 'corp', 'session']);
    const bye = await browser.submit(page);
    assert.equal(bye.status, 200);
  });
  test('as JSON for programs', async () => {
    const browser = site.browser();
    await browser.login(at('/'), { as: 'cory' });
    const answer = await browser.fetch(at('/api'), { headers: { accept: 'application/json' } });
    assertRefused(answer, 403, site.upstream);
    assert.equal(answer.json.message, 'Contractors use the partner portal.');
    assert.ok(answer.json.request_id);
  });
  test('who is in no group that is allowed is refused by default', async () => {
    const page = await site.browser().login(at('/'), { as: 'aud' });
    assertRefused(page, 403, site.upstream);
  });
});

describe('a stronger sign-in', () => {
  const toProvider = (page) => new URL(page.hops.find(({ location }) => location?.includes('/authorize?')).location).searchParams;

  test('is asked for where the policy wants it, and then lets in', async () => {
    const browser = await site.signedIn();
    site.upstream.forget();
    const page = await browser.login(at('/strong/x?y'), { as: 'ada/strong' });
    assert.equal(page.status, 200, page.text);
    assert.equal(page.url.href, at('/strong/x?y'));
    assert.equal(toProvider(page).get('acr_values'), 'phrh');
    assert.equal(toProvider(page).get('max_age'), '600');
    assert.equal(site.upstream.requests.length, 1);
    const line = await site.gate.logLine(({ reason }) => reason === 'step_up');
    assert.deepEqual([line.status, line.decision], [302, 'step_up']);
  });
  test('lets in straight away who begins with it', async () => {
    const page = await site.browser().login(at('/strong'), { as: 'ada/strong' });
    assert.equal(page.status, 200, page.text);
  });
  test('is found by who is not signed in at all, and takes the strong way only when asked to', async () => {
    const visit = (next) => {
      if (next.pathname.endsWith('/authorize') && next.searchParams.has('client_id'))
        next.searchParams.set('auto', next.searchParams.has('acr_values') ? 'ada/strong' : 'ada');
      return next;
    };
    const page = await site.browser().get(at('/strong'), { visit });
    assert.equal(page.status, 200, page.text);
  });
  test('that stays weak is refused, not asked for again and again', async () => {
    const browser = await site.signedIn();
    site.upstream.forget();
    const page = await browser.login(at('/strong'), { as: 'ada' });
    assertRefused(page, 403, site.upstream);
    assert.ok(page.hops.length < 8, `${page.hops.length} hops`);
  });
  test('is not asked of a script: 401, and why', async () => {
    const browser = await site.signedIn();
    site.upstream.forget();
    const answer = await browser.fetch(at('/strong'));
    assertRefused(answer, 401, site.upstream);
    assert.match(answer.header('www-authenticate'), /insufficient_user_authentication/);
  });
  test('is not asked of somebody whom it would not help', async () => {
    const browser = site.browser();
    await browser.login(at('/'), { as: 'aud' });
    const page = await browser.get(at('/strong'), stops);
    assertRefused(page, 403, site.upstream);
  });
});

describe('a bearer token', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const good = () => ({ iss: site.provider.origin, sub: 'user-bot', aud: client.client_id, iat: now(), exp: now() + 300, groups: ['eng'] });
  const send = (claims, recipe = {}) => site.request({ target: '/api/bearer',
    headers: { Authorization: `Bearer ${site.provider.case().sign(claims, recipe, { clientSecret: client.client_secret })}` } });

  test('of the provider, for the gate, opens what the policy allows', async () => {
    const response = await send(good());
    assert.equal(response.status, 200, response.text);
    const { last } = site.upstream;
    assert.equal(last.header('x-forwarded-user'), 'user-bot');
    assert.ok(last.header('x-sallyport-assertion'));
    const line = await site.gate.logLine(({ request_uri: uri, status }) => uri === '/api/bearer' && status === 200);
    assert.equal(line.authenticated_by, 'bearer');
  });

  const bad = [
    ['for another', { aud: 'another-client' }], ['for others beside', { aud: [client.client_id, 'https://stranger.example'] }],
    ['of another issuer', { iss: 'https://stranger.example' }], ['that has expired', { iat: 1, exp: 1000 }],
    ['without an end', { exp: undefined }], ['without a subject', { sub: undefined }], ['without an audience', { aud: undefined }],
    ['that is not valid yet', { nbf: now() + 3600 }], ['unsigned', {}, { alg: 'none' }], ['signed with the client secret', {}, { alg: 'HS256' }],
    ['signed with the public key', {}, { alg: 'HS256', signWith: 'publicPem' }], ['of another key', {}, { signWith: 'unpublished' }],
    ['with a corrupt signature', {}, { corrupt: true }], ['with a key of its own', {}, { header: { set: { jwk: { kty: 'oct', k: 'AA' }, jku: 'http://127.0.0.1:1/' } }, signWith: 'unpublished' }],
  ];
  for (const [name, claims, recipe] of bad)
    test(`${name}: 401`, async () => {
      const response = await send({ ...good(), ...claims }, recipe);
      assertRefused(response, 401, site.upstream);
      assert.match(response.header('www-authenticate'), /^Bearer .*error="invalid_token"/);
    });
  for (const text of ['x', 'x.y.z', '', 'a'.repeat(9000), '..', 'eyJhbGciOiJub25lIn0..'])
    test(`that is none: ${JSON.stringify(text.slice(0, 30))}: 401`, async () => {
      assertRefused(await site.request({ target: '/api', headers: { Authorization: `Bearer ${text}` } }), 401, site.upstream);
    });
  test('whom the policy refuses: 403', async () => {
    assertRefused(await send({ ...good(), groups: ['contractors'] }), 403, site.upstream);
  });
  test('is nothing on a route that does not take it', async () => {
    const token = site.provider.case().sign(good());
    assertRefused(await site.request({ headers: { Authorization: `Bearer ${token}` } }), 401, site.upstream);
  });
  test('a flood of unknown keys asks the provider for its keys once or twice', async () => {
    site.provider.forgetCalls();
    await Promise.all(Array.from({ length: 50 }, (_, i) => send(good(), { signWith: 'unpublished', header: { set: { kid: `k${i}` } } })));
    assert.ok(site.provider.calls('default', 'jwks').length <= 2, `${site.provider.calls('default', 'jwks').length} calls`);
  });
});

describe('where a login may lead', () => {
  /* a part of the corpus; the unit tests walk the whole of it */
  const hostile = readFileSync(new URL('../corpus/local_path_hostile.txt', import.meta.url), 'latin1').split('\n')
    .filter((line) => line && !line.startsWith(';;')).filter((_, i) => i % 15 === 0)
    .map((line) => line.replace(/\\(x([0-9a-f]{2})|\\)/gi, (_, what, hex) => (hex ? String.fromCharCode(parseInt(hex, 16)) : '\\')));
  const local = ['/', '/wiki', '/wiki?x=1&y=2', '/wiki/page%20one?q=a+b', '/a?next=https://evil.example', '/caf%C3%A9'];
  const away = [
    'https://evil.example', '//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', '/ /evil.example', 'http:evil.example',
    '///evil.example', '/./\\evil.example', '/%2f/evil.example', '/%5cevil.example', '/.//evil.example', '/..//evil.example', 'javascript:alert(1)',
    'data:text/html,x', '@evil.example', '.evil.example', ':443@evil.example', '/\r\nLocation: https://evil.example', '/x\r\nSet-Cookie: a=b',
    '/\xe2\x80\xa8', 'evil.example', '', 'https://localhost.evil.example', 'https://localhost@evil.example',
    ...hostile,
  ];

  let browser;
  before(async () => { browser = await site.signedIn(); });
  const landing = async (query) => {
    const page = await browser.get(at(`/.sallyport/login${query}`), { follow: (url) => !(url.origin === site.origin && !url.pathname.startsWith('/.sallyport/')) });
    assert.ok(page.url.pathname === '/.sallyport/callback', `stopped at ${page.url.href}`);
    assert.equal(page.status, 302, page.text);
    return page.header('location');
  };

  for (const place of local)
    test(`to ${place}`, async () => assert.equal(await landing(`?rd=${encodeURIComponent(place)}`), place));
  for (const [index, place] of away.entries())
    test(`not to ${JSON.stringify(place).slice(0, 80)} (${index})`, async () => {
      const encoded = [...Buffer.from(place, 'latin1')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      const answer = await browser.get(at(`/.sallyport/login?rd=${encoded}`), stops);
      if (answer.status === 400)
        return;
      assert.equal(await landing(`?rd=${encoded}`), '/');
    });
  test('not to two places', async () => assert.equal(await landing('?rd=/a&rd=/b'), '/'));
  test('to the front page when none is given', async () => assert.equal(await landing(''), '/'));
  test('not by a forged header', async () => {
    const answer = await browser.get(at('/.sallyport/login?rd=/x'), { ...stops, headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-prefix': '//evil.example',
      'x-forwarded-proto': 'http', forwarded: 'host=evil.example' } });
    assert.equal(new URL(answer.header('location')).searchParams.get('redirect_uri'), at('/.sallyport/callback'));
  });
});

describe('a callback that cannot be: 400, and no token is asked for', () => {
  const refused = async (browser, url, status = 400) => {
    site.provider.forgetCalls();
    site.upstream.forget();
    const page = await browser.get(url, stops);
    assertRefused(page, status, site.upstream);
    assert.equal(site.provider.calls(undefined, 'token').length, 0, 'a token was asked for');
    assert.ok(!page.all('set-cookie').some((line) => line.startsWith(`${SESSION}=`)), 'a session was made');
    return page;
  };
  const edits = [
    ['another state', (p) => p.set('state', 'x'.repeat(43))], ['no state', (p) => p.delete('state')], ['an empty state', (p) => p.set('state', '')],
    ['no code', (p) => p.delete('code')], ['an empty code', (p) => p.set('code', '')], ['two codes', (p) => p.append('code', 'x')],
    ['two states', (p) => p.append('state', p.get('state'))], ['two issuers', (p) => p.append('iss', p.get('iss'))],
    ['another issuer', (p) => p.set('iss', 'https://wrong.example')], ['the issuer of another provider', (p) => p.set('iss', site.provider.issuer('other'))],
    ['no issuer, although promised', (p) => p.delete('iss')], ['an empty issuer', (p) => p.set('iss', '')],
    ['code and error', (p) => p.set('error', 'access_denied')],
  ];
  for (const [name, edit] of edits)
    test(name, async () => {
      const browser = site.browser();
      const url = await callbackOf(browser);
      edit(url.searchParams);
      const page = await browser.get(url, stops);
      assert.ok([400, 403].includes(page.status), `${page.status} ${page.text}`);
      assert.equal(sessionOf(browser), undefined);
      assert.equal(site.provider.calls('default', 'token').filter(({ form }) => form.get('code') === url.searchParams.get('code')).length, 0);
      site.upstream.assertUntouched();
    });

  for (const query of ['', '?', '?&&&', '?=', '?iss=', '?state', '?code=a&state=b', '?state=%00', '?state=%zz', `?state=${'a'.repeat(7000)}`])
    test(`out of the blue: ${query.slice(0, 30)}`, async () => { await refused(site.browser(), at(`/.sallyport/callback${query}`)); });

  test('the same one again', async () => {
    const browser = site.browser();
    const url = await callbackOf(browser);
    const flow = flowsOf(browser)[0];
    assert.equal((await browser.get(url, stops)).status, 302);
    await refused(browser, url);
    browser.jar.set(new URL(at('/')), `${flow.name}=${flow.value}; Path=/; Secure`);
    await refused(browser, url);
  });
  test('of another browser', async () => { await refused(site.browser(), await callbackOf(site.browser())); });
  test('with the cookie of another flow', async () => {
    const [victim, attacker] = [site.browser(), site.browser()];
    await callbackOf(victim);
    await refused(victim, await callbackOf(attacker));
  });
  test('with a cookie that was changed', async () => {
    const browser = site.browser();
    const url = await callbackOf(browser);
    const [{ name, value }] = flowsOf(browser);
    for (const other of [value.slice(0, -1), `${value}A`, value.slice(0, 20) + (value[20] === 'A' ? 'B' : 'A') + value.slice(21), 'x']) {
      browser.jar.set(new URL(at('/')), `${name}=${other}; Path=/; Secure`);
      await refused(browser, url);
    }
  });
  test('at another host', async () => {
    const browser = site.browser();
    const url = await callbackOf(browser);
    const [{ name, value }] = flowsOf(browser);
    site.provider.forgetCalls();
    const answer = await site.request({ host: 'elsewhere.example.com', target: url.pathname + url.search, headers: { Cookie: `${name}=${value}` } });
    assert.equal(answer.status, 400);
    assert.equal(site.provider.calls(undefined, 'token').length, 0);
  });
  test('by POST', async () => {
    const browser = site.browser();
    const url = await callbackOf(browser);
    const answer = await browser.post(url, {}, { ...stops, from: site.provider.origin });
    assert.equal(answer.status, 405);
    assert.equal(sessionOf(browser), undefined);
  });
  test('what it says is not put into the page', async () => {
    const page = await refused(site.browser(), at('/.sallyport/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%22%3E%3Cscript%3E&state=%27%3E%3C'));
    assert.ok(!page.text.includes('<script'));
  });
});

describe('a provider that is down, slow or lying', () => {
  const rows = [
    ['nobody listens', '/away', 503, 'away', /refused|connect/i], ['silence at discovery', '/silent', 503, 'silent', /time|slow|silent/i],
    ['silence at the token endpoint', '/stuck', 503, 'stuck', /time|slow|silent/i], ['a wrong nonce', '/lying', 502, 'lying', /nonce/],
  ];
  for (const [name, place, status, provider, cause] of rows)
    test(`${name}: a page with ${status}, and a log line that names provider and cause`, async () => {
      const from = site.gate.stderr.length;
      const browser = site.browser();
      const page = await browser.login(at(place));
      assertRefused(page, status, site.upstream);
      assert.match(page.header('content-type'), /text\/html/);
      assert.match(page.text, /sign-in failed/i);
      assert.equal(sessionOf(browser), undefined);
      const said = await site.gate.waitForStderr(/login|provider/i, { from });
      const line = said.split('\n').find((one) => one.includes(provider) && cause.test(one));
      assert.ok(line, `no line with ${provider} and ${cause} in\n${said}`);
      const logged = await site.gate.logLine(({ reason, request_id: id }) => reason === 'login_failed' && page.text.includes(id));
      assert.equal(logged.provider, provider);
      assert.equal(logged.status, status);
    });

  test('the person who says no at the provider', async () => {
    site.provider.case('default', { authorize: { error: 'access_denied' } });
    const page = await site.browser().login(at('/'));
    site.provider.case('default', { authorize: { error: '' } });
    assertRefused(page, 403, site.upstream);
    assert.match(page.text, /did not sign you in/);
  });

  test('signed-in people notice nothing', async () => {
    const id = sessionOf(await site.signedIn());
    const waiting = [site.browser().login(at('/stuck')), site.browser().login(at('/silent')), site.browser().login(at('/away'))];
    await sleep(100);
    for (let i = 0; i < 20; i++) {
      const start = Date.now();
      assert.equal((await withCookie(id)).status, 200);
      assert.ok(Date.now() - start < 250, `${Date.now() - start} ms`);
    }
    for (const page of await Promise.all(waiting))
      assert.equal(page.status, 503);
  });

  test('a client that leaves amid its login harms nobody', async () => {
    const browser = site.browser();
    const answer = await browser.login(at('/stuck'), { follow: (url) => !url.pathname.endsWith('/callback') });
    const url = new URL(answer.header('location'));
    const connection = await site.open();
    connection.write(requestBytes({ target: url.pathname + url.search, headers: { Cookie: browser.jar.header(url), Host: url.host } }));
    await site.provider.waitForCalls('stuck', 'token', { count: 1 });
    await connection.close();
    await sleep(1200);
    assert.equal((await site.request({ target: '/public' })).status, 200);
  });

  test('one that comes up later is found, without a restart', async (t) => {
    assert.equal((await site.browser().login(at('/away'))).status, 503);
    const late = await startProvider({ port: closed, onSecret: registerSecret, clients: [{ ...client, redirect_uris: [at('/.sallyport/callback')] }] });
    t.after(() => late.close());
    const deadline = Date.now() + 10000;
    let page;
    do {
      page = await site.browser().login(at('/away'));
      if (page.status !== 200)
        await sleep(250);
    } while (page.status !== 200 && Date.now() < deadline);
    assert.equal(page.status, 200, page.text);
  });

  test('keys that change between two logins', async () => {
    await site.signedIn();
    site.provider.case('default').rotateKeys();
    await site.signedIn();
  });
});

describe('sessions over time', () => {
  test('they survive a restart and a crash', async () => {
    const browser = await site.signedIn();
    const gone = await site.signedIn();
    const goneId = sessionOf(gone);
    await gone.post(at('/.sallyport/logout'));
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      await site.restart(signal);
      site.upstream.forget();
      assert.equal((await browser.get(at(`/after/${signal}`), stops)).status, 200);
      assert.equal(site.upstream.last.header('x-forwarded-user'), 'user-ada-5f0c2a');
      assert.equal((await withCookie(goneId)).status, 401, 'one that was ended stays so');
    }
  });

  test('they end when idle, and at the end of their lifetime, whatever happens', async (t) => {
    const brief = await startSite({ name: 'brief', config: { sessions: { lifetime: '5s', idle_timeout: '2s' } } });
    t.after(() => brief.stop());
    const ask = async (browser) => (await brief.request({ headers: { Cookie: `${SESSION}=${sessionOf(browser)}` } })).status;
    const [busy, idle] = [await brief.signedIn(), await brief.signedIn()];
    const start = Date.now();
    for (let i = 1; i <= 3; i++) {
      await sleep(1000 * i - (Date.now() - start));
      assert.equal(await ask(busy), 200, `in use for ${i} s`);
    }
    assert.equal(await ask(idle), 401, 'idle for 3 s');
    await sleep(4000 - (Date.now() - start));
    assert.equal(await ask(busy), 200, 'in use for 4 s');
    await sleep(6200 - (Date.now() - start));
    assert.equal(await ask(busy), 401, 'older than its lifetime');
    const page = await idle.login(`${brief.origin}/back`);
    assert.deepEqual([page.status, page.url.pathname], [200, '/back'], 'and can sign in again');
  });
});
