/*
 * What is written down: one JSON line for each exchange, always with the same
 * fields, whatever the client sent and however it ended; one more for each
 * decision; and no secret in any of it, not even at the level "debug".
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestBytes } from '../support/client.mjs';
import { freePorts } from '../support/gate.mjs';
import { assertNoSecrets, registerSecret } from '../support/secrets.mjs';
import { plainListener, publicRoute, route, startSite, tlsListener } from '../support/site.mjs';

const SESSION = '__Host-sallyport';

/* The fields in their order, with what each may hold. */
const isText = (value) => typeof value === 'string';
const isCount = (value) => Number.isInteger(value) && value >= 0;
const isSeconds = (value) => typeof value === 'number' && value >= 0 && value < 60;
const fields = {
  time: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)
    && Math.abs(Date.parse(value) - Date.now()) < 60e3,
  request_id: (value) => /^[0-9a-f]{16,}$/.test(value),
  client_ip: isText, method: isText, host: isText, request_uri: isText,
  status: (value) => isCount(value) && value >= 200 && value < 600,
  route: isText, upstream_addr: isText, request_time: isSeconds,
  upstream_time: (value) => value === null || isSeconds(value),
  bytes_sent: isCount, bytes_received: isCount, user: isText, provider: isText,
  authenticated_by: (value) => ['none', 'session', 'bearer', 'client_certificate'].includes(value),
  decision: (value) => ['', 'allow', 'deny', 'login', 'step_up'].includes(value),
  rule: isText, would: (value) => Array.isArray(value) && value.every(isText),
  policy_hash: (value) => /^([0-9a-f]{16})?$/.test(value),
  tls: (value) => ['', 'TLSv1.2', 'TLSv1.3'].includes(value),
  user_agent: isText, reason: (value) => /^[a-z_]+$/.test(value),
};

const decisionFields = ['time', 'request_id', 'client_ip', 'method', 'host', 'path', 'route', 'policy', 'user',
  'provider', 'authenticated_by', 'decision', 'rule', 'would', 'policy_hash', 'because'];

const handlers = {
  '/hold': () => undefined,
  '/hundred': () => ({ body: 'x'.repeat(100) }),
  '/chunked': () => ({ body: 'y'.repeat(1000), chunked: true }),
  '/missing': () => ({ status: 404, reason: 'Not Found', body: 'the application has no such page' }),
};

const shadowed = { policy: 'shadowed', rules: [
  { id: 'anyone', effect: 'allow', when: { path: '/**' } },
  { id: 'soon', effect: 'deny', mode: 'shadow', until: '2099-01-31', when: { path: '/**' } },
] };

let site;
before(async () => {
  const [closed] = await freePorts(1);
  site = await startSite({
    name: 'log', upstream: { handler: (request) => (handlers[request.target] ?? (() => ({ body: 'hello' })))(request) },
    upstreams: () => [{ name: 'down', servers: [{ url: `http://127.0.0.1:${closed}` }] }],
    listeners: [tlsListener(), plainListener()],
    routes: [
      publicRoute('open'), route('staff', { path: '/staff' }), publicRoute('down', { path: '/down', upstream: 'down' }),
      route('api', { path: '/api', methods: ['bearer', 'session'] }),
      publicRoute('shadowed', { path: '/shadowed', policy: 'shadowed' }),
      publicRoute('small', { path: '/small', max_body: '1KiB' }),
    ],
    policies: { shadowed },
    config: { log: { access: { to: 'access.jsonl' }, decisions: { to: 'decisions.jsonl' }, level: 'debug' } },
  });
});
after(() => site?.stop());
beforeEach(() => site.upstream.forget());

/* The lines of a log, each of which must be whole, strict and free of bytes that a terminal would act on. */
function linesOf(file) {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path.join(site.gate.dir, file)));
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is finished');
  return text.split('\n').slice(0, -1).map((line) => {
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f]/, 'a control character');
    return JSON.parse(line);
  });
}

/* How many lines there are, once those of what came before are all written. */
async function settled(file) {
  for (let seen = -1, now = linesOf(file).length; ; seen = now, now = linesOf(file).length) {
    if (seen === now)
      return now;
    await sleep(60);
  }
}

/* Does it, and resolves with the lines that came of it: so many as expected, and none after them. */
async function linesAfter(action, count = 1, file = 'access.jsonl') {
  const from = await settled(file);
  await action();
  for (const deadline = Date.now() + 5000; linesOf(file).length < from + count && Date.now() < deadline;)
    await sleep(10);
  await sleep(60);
  const lines = linesOf(file).slice(from);
  assert.equal(lines.length, count, JSON.stringify(lines));
  return lines;
}

function assertFields(line, expected = {}) {
  assert.deepEqual(Object.keys(line), Object.keys(fields));
  for (const [name, isRight] of Object.entries(fields))
    assert.ok(isRight(line[name]), `${name} is ${JSON.stringify(line[name])}`);
  for (const [name, value] of Object.entries(expected))
    assert.deepEqual(line[name], value, name);
}

const plain = (options) => site.request({ listener: 'plain', ...options });
const bytes = (text) => () => plain({ bytes: Buffer.from(text, 'latin1') }).catch(() => {});
const nobody = { user: '', provider: '', authenticated_by: 'none' };
const untouched = { upstream_addr: '', upstream_time: null, route: '' };

/* Leaves while the application is still thinking. */
async function leave(options) {
  const connection = await site.open({ listener: 'plain' });
  connection.write(requestBytes(options));
  await site.upstream.waitForRequests(1);
  await connection.close();
}

describe('one line for each exchange', () => {
  const agent = { 'User-Agent': 'the test/1.0' };
  const rows = [
    ['served', () => plain({ target: '/hundred?a=b', headers: agent }), () => ({
      client_ip: '127.0.0.1', method: 'GET', host: 'localhost', request_uri: '/hundred?a=b', status: 200, route: 'open',
      upstream_addr: `127.0.0.1:${site.upstream.port}`, bytes_sent: 5, bytes_received: 0, ...nobody, decision: 'allow',
      rule: 'anyone', would: [], tls: '', user_agent: 'the test/1.0', reason: 'served' })],
    ['served over TLS', () => site.request({ target: '/hundred' }),
      () => ({ tls: 'TLSv1.3', bytes_sent: 100, reason: 'served' })],
    ['served in chunks', () => plain({ target: '/chunked' }),
      () => ({ status: 200, bytes_sent: 1000, reason: 'served' })],
    ['an error of the application', () => plain({ target: '/missing' }),
      () => ({ status: 404, route: 'open', bytes_sent: 32, reason: 'served' })],
    ['HEAD', () => plain({ target: '/hundred', method: 'HEAD' }),
      () => ({ method: 'HEAD', status: 200, bytes_sent: 0, reason: 'served' })],
    ['an upload', () => plain({ method: 'POST', body: 'z'.repeat(70000) }),
      () => ({ method: 'POST', bytes_received: 70000, bytes_sent: 5, reason: 'served' })],
    ['an upload in chunks', () => plain({ bytes: Buffer.from('POST / HTTP/1.1\r\nHost: localhost\r\n'
      + 'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n') }),
    () => ({ bytes_received: 3, status: 200 })],
    ['a shadow rule', () => plain({ target: '/shadowed' }),
      () => ({ decision: 'allow', rule: 'anyone', would: ['soon'] })],
    ['nobody is signed in', () => plain({ target: '/staff' }), () => ({
      status: 401, route: 'staff', ...nobody, upstream_addr: '', decision: 'login', rule: 'engineers',
      reason: 'not_signed_in' })],
    ['sent to log in', () => site.request({ target: '/staff', headers: { Accept: 'text/html' } }),
      () => ({ status: 302, decision: 'login', reason: 'login_started' })],
    ['no such host', () => plain({ host: 'nowhere.example.com' }),
      () => ({ status: 404, host: 'nowhere.example.com', ...untouched, decision: '', reason: 'no_route' })],
    ['a target with two readings', () => plain({ target: '/staff/..%2fx' }),
      () => ({ status: 400, request_uri: '/staff/..%2fx', ...untouched, decision: '', reason: 'bad_request' })],
    ['two hosts', () => plain({ headers: [['Host', 'localhost'], ['Host', 'localhost']] }),
      () => ({ status: 400, ...untouched, reason: 'bad_request' })],
    ['no host', bytes('GET / HTTP/1.1\r\n\r\n'), () => ({ status: 400, ...untouched, reason: 'bad_request' })],
    ['an unknown method', () => plain({ method: 'BREW' }), () => ({ reason: 'served', method: 'BREW' })],
    ['an upload that is too large', () => plain({ target: '/small', method: 'POST', body: 'z'.repeat(2000) }),
      () => ({ status: 413, route: 'small', upstream_addr: '', reason: 'too_large' })],
    ['a long target', () => plain({ target: `/${'a'.repeat(5000)}` }),
      () => ({ request_uri: `/${'a'.repeat(2047)}`, status: 200 })],
    ['the application is down', () => plain({ target: '/down' }),
      () => ({ status: 502, route: 'down', decision: 'allow', reason: 'upstream_refused' })],
    ['the client leaves', () => leave({ target: '/hold' }),
      () => ({ status: 499, route: 'open', bytes_sent: 0, reason: 'client_gone' })],
    ['a page of our own', () => plain({ target: '/.sallyport/jwks.json' }),
      () => ({ status: 200, route: '', decision: '', reason: 'own_page' })],
  ];
  for (const [name, action, expected] of rows)
    test(name, async () => {
      const [line] = await linesAfter(action);
      assertFields(line, expected());
    });

  for (const [name, text] of [
    ['a version that does not exist', 'GET /x HTTP/9.9\r\nHost: localhost\r\n\r\n'],
    ['a header without a name', 'GET /x HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n'],
    ['a control byte in a header', 'GET /x HTTP/1.1\r\nHost: localhost\r\nX: a\x01b\r\n\r\n'],
    ['a bare CR in a header', 'GET /x HTTP/1.1\r\nHost: localhost\r\nX: a\rX-Admin: b\r\n\r\n'],
    ['a head that is too long', `GET /x HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(60000)}\r\n\r\n`],
  ])
    test(`refused by the parser: ${name}`, async () => {
      const [line] = await linesAfter(bytes(text));
      assertFields(line, { ...untouched, decision: '' });
      const isGone = text.length > 32768 && line.reason === 'client_gone';  /* when its reset came first */
      assert.ok(isGone || [400, 431, 505].includes(line.status), String(line.status));
      site.upstream.assertUntouched();
    });

  test('a request line that cannot be read at all leaves no line that cannot be read either', async () => {
    const from = linesOf('access.jsonl').length;
    for (const text of ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'GARBAGE\r\n\r\n', '{"a":1}\r\n\r\n',
      '\0\r\n\r\n'])
      await bytes(text)();
    await sleep(200);
    const lines = linesOf('access.jsonl').slice(from);
    assert.ok(lines.length <= 4, JSON.stringify(lines));
    lines.forEach((line) => assertFields(line, { ...untouched, ...nobody, decision: '' }));
  });

  test('keep-alive and pipelining: a line for each, with ids of their own', async () => {
    const lines = await linesAfter(async () => {
      const connection = await site.open({ listener: 'plain' });
      const three = ['/one', '/two', '/three'].map((target) => requestBytes({ target }));
      connection.write(Buffer.concat(three));
      for (let i = 0; i < 3; i++)
        await connection.read();
      await connection.close();
    }, 3);
    assert.deepEqual(lines.map((line) => line.request_uri), ['/one', '/two', '/three']);
    assert.equal(new Set(lines.map((line) => line.request_id)).size, 3);
    lines.forEach((line) => assertFields(line));
  });

  test('a whole login is three lines, and tells who it was from the callback on', async () => {
    const lines = await linesAfter(() => site.browser().login(`${site.origin}/staff?x=1`), 3);
    assert.deepEqual(lines.map(({ status, reason, user }) => [status, reason, user]), [
      [302, 'login_started', ''], [302, 'login_done', 'user-ada-5f0c2a'], [200, 'served', 'user-ada-5f0c2a'],
    ]);
    assert.equal(lines[1].request_uri, '/.sallyport/callback');
    assertFields(lines[2], { provider: 'corp', authenticated_by: 'session', decision: 'allow', rule: 'engineers' });
  });

  test('denied, by name of the rule', async () => {
    const lines = await linesAfter(() => site.browser().login(`${site.origin}/staff`, { as: 'cory' }), 3);
    assertFields(lines[2], {
      status: 403, user: 'user-cory-91be07', provider: 'corp', authenticated_by: 'session', decision: 'deny',
      rule: 'no-contractors', reason: 'denied', upstream_addr: '', upstream_time: null,
    });
  });

  test('nothing of the admin address', async () => {
    await linesAfter(async () => {
      for (const target of ['/healthz', '/readyz', '/metrics', '/nothing'])
        await site.gate.admin(target);
    }, 0);
  });
});

describe('input that would like to write the log itself', () => {
  const forged = '"}\\n{"status":200,"user":"root"}\\u0000';
  const agents = {
    'a quote and a line': forged, 'bytes that are no UTF-8': 'a\xff\xfe\xc0\x80b', 'half a character': 'a\xe2\x82',
    'a terminal\'s control': 'a\xc2\x9b31mb', 'a line separator': 'a\xe2\x80\xa8b', 'a surrogate': '\xed\xa0\x80',
    'a tab': 'a\tb', 'very much of it': 'u'.repeat(6000),
  };
  for (const [name, agent] of Object.entries(agents))
    test(`User-Agent: ${name}`, async () => {
      const [line] = await linesAfter(() => plain({ target: '/agent', headers: { 'User-Agent': agent } }));
      assertFields(line, { request_uri: '/agent', user: '' });
      assert.ok(line.user_agent.length <= 1024);
      if (agent === forged)
        assert.equal(line.user_agent, forged);
    });

  const targets = {
    'a quote': '/"},{"status":200', 'bytes that are no UTF-8': '/\xff\xfe', 'an encoded line': '/a%0d%0a{%22user%22:1}',
    'an encoded NUL': '/a%00b', 'a backslash': '/a\\u000ab', 'a control byte': '/a\x01b', 'a DEL': '/a\x7fb',
  };
  for (const [name, target] of Object.entries(targets))
    test(`target: ${name}`, async () => {
      const [line] = await linesAfter(bytes(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`));
      assertFields(line, { user: '', status: line.status });
    });

  test('a Host and a method', async () => {
    for (const head of ['GET / HTTP/1.1\r\nHost: a"b\r\n', 'GET / HTTP/1.1\r\nHost: \xff\r\n',
      'G"T / HTTP/1.1\r\nHost: a\r\n']) {
      const [line] = await linesAfter(bytes(`${head}Connection: close\r\n\r\n`));
      assertFields(line, { status: 400 });
    }
  });
});

describe('secrets', () => {
  const canary = (kind) => registerSecret(kind, `canary-${kind}-${Math.random().toString(36).slice(2)}`);

  const names = ['access_token', 'token', 'code', 'state', 'password', 'api_key', 'client_secret', 'id_token', 'sig',
    'TOKEN', '%74oken', '%61ccess%5Ftoken', 'pass%77ord', 'X-Amz-Signature'];
  for (const name of names)
    test(`the parameter ${name}`, async () => {
      const secret = canary(name.replace(/\W/g, ''));
      const [line] = await linesAfter(() => plain({ target: `/page?a=1&${name}=${secret}&b=2` }));
      assert.equal(line.request_uri, `/page?a=1&${name}=[redacted]&b=2`);
      assert.equal(site.upstream.last.target, `/page?a=1&${name}=${secret}&b=2`, 'which the application gets');
    });

  const refused = [
    ['a refused target', (secret) => `/a%00b?token=${secret}`],
    ['a path of our own', (secret) => `/.sallyport/x?y=${secret}`],
    ['a callback', (secret) => `/.sallyport/callback?code=${secret}&state=${secret}`],
    ['userinfo', (secret) => `http://ada:${secret}@localhost/`],
    ['userinfo with a question mark', (secret) => `http://ada:x?${secret}@localhost/`],
    ['userinfo of two', (secret) => `http://ada:${secret}@${secret}@localhost/`],
    ['userinfo of another scheme', (secret) => `ftp://ada:${secret}@localhost/`],
    ['a parameter amid a long query', (secret) => `/page?${'a=1&'.repeat(200)}token=${secret}`],
    ['a parameter at the cut', (secret) => `/page?${'a'.repeat(2048 - 16)}&token=${secret}`],
    ['a parameter in a second query', (secret) => `/page?a=1?token=2&token=${secret}`],
  ];
  for (const [name, target] of refused)
    test(`in ${name}`, async () => {
      const secret = canary('target');
      const lines = await linesAfter(() => plain({ target: target(secret) }).catch(() => {}));
      assertFields(lines[0]);
      assertNoSecrets(site.gate.output(), 'the log');
    });

  test('of headers: cookies, credentials, tokens', async () => {
    const secret = canary('header');
    const browser = await site.signedIn('ada', '/staff');
    const headers = {
      Authorization: `Bearer ${secret}`, Cookie: `${SESSION}=${secret}; other=${secret}`, 'X-Api-Key': secret,
      'Proxy-Authorization': `Basic ${Buffer.from(`a:${secret}`).toString('base64')}`,
      Referer: `https://localhost/?token=${secret}`,
    };
    assert.equal((await site.request({ target: '/api/x', headers })).status, 401);
    assert.equal((await site.request({ target: '/page', headers })).status, 200);
    const session = registerSecret('session cookie', browser.jar.get(SESSION).value);
    const mine = { Cookie: `${SESSION}=${session}` };
    assert.equal((await site.request({ target: '/staff', headers: mine })).status, 200);
    registerSecret('assertion', site.upstream.last.header('x-sallyport-assertion'));
    await browser.post(`${site.origin}/.sallyport/logout`);
    assert.equal((await site.request({ target: '/staff', headers: mine })).status, 401);
  });

  test('of a provider that is wrong, at the level "debug"', async (t) => {
    const knobs = { token: { body: JSON.stringify({ access_token: canary('token'), id_token: canary('token') }) } };
    site.provider.case('default', knobs);
    t.after(() => site.provider.case('default', { token: { body: null } }));
    assert.equal((await site.browser().login(`${site.origin}/staff`)).status, 502);
  });

  test('nowhere, in all that was written', async () => {
    const { text } = await site.gate.admin('/metrics');
    assertNoSecrets(text, 'the metrics');
    assertNoSecrets(site.gate.output(), 'the logs');
    assert.deepEqual(site.gate.stdout, '', 'and nothing goes to stdout that was sent to a file');
  });
});

describe('the decision log', () => {
  const decisionsAfter = (action, count = 1) => linesAfter(action, count, 'decisions.jsonl');

  test('allowed: by whom, of which policy, by which rule', async () => {
    const browser = await site.signedIn('ada', '/staff');
    const [line] = await decisionsAfter(() => browser.get(`${site.origin}/staff/a%20b?token=x`));
    assert.deepEqual(Object.keys(line).sort(), [...decisionFields].sort());
    const { time, request_id: id, policy_hash: hash, ...rest } = line;
    assert.deepEqual(rest, {
      client_ip: '127.0.0.1', method: 'GET', host: 'localhost', path: '/staff/a b', route: 'staff', policy: 'staff',
      user: 'user-ada-5f0c2a', provider: 'corp', authenticated_by: 'session', decision: 'allow', rule: 'engineers',
      would: [], because: 'allowed by rule',
    });
    assert.ok(fields.time(time) && hash.length === 16);
    assert.equal(linesOf('access.jsonl').filter((one) => one.request_id === id && one.policy_hash === hash).length, 1);
  });

  const rows = [
    ['denied', (as) => site.signedIn(as, '/staff').catch(() => {}), 2, { decision: 'deny', rule: 'no-contractors' }],
    ['nobody yet', () => plain({ target: '/staff' }), 1, { decision: 'login', rule: 'engineers', user: '' }],
    ['a shadow rule', () => plain({ target: '/shadowed' }), 1, { decision: 'allow', would: ['soon'] }],
  ];
  for (const [name, action, count, expected] of rows)
    test(name, async () => {
      const line = (await decisionsAfter(() => action('cory'), count)).at(-1);
      for (const [field, value] of Object.entries(expected))
        assert.deepEqual(line[field], value, field);
      assert.ok(line.because.length > 0);
    });

  test('no decision, no line', () => decisionsAfter(async () => {
    await plain({ host: 'nowhere.example.com' });
    await plain({ target: '/a%00' });
    await plain({ target: '/.sallyport/jwks.json' });
  }, 0));
});
