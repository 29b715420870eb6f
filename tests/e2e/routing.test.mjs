/*
 * Which requests go where, and which go nowhere: hosts and paths, reserved paths,
 * requests that two readers could read in two ways, and identity that a client
 * made up. Whatever is refused, the application never hears of it.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { requestBytes } from '../support/client.mjs';
import { assertRefused, plainListener, publicRoute, startSite, tlsListener } from '../support/site.mjs';

const HOST = 'site.example.com';

let site;
before(async () => {
  site = await startSite({
    name: 'routing', knobs: null,
    listeners: [
      plainListener(),
      tlsListener({ name: 'secure' }),
      plainListener({ name: 'redirect', redirect_to_https: true }),
    ],
    routes: [
      publicRoute('root', { hosts: [HOST] }),
      publicRoute('wiki', { hosts: [HOST], path: '/wiki' }),
      publicRoute('deep', { hosts: [HOST], path: '/wiki/a/b' }),
      publicRoute('nearest', { hosts: ['*.near.example.com'] }),
      publicRoute('wild', { hosts: ['*.example.com'] }),
      publicRoute('only', { hosts: ['only.example.net'], path: '/only' }),
      publicRoute('address', { hosts: ['127.0.0.1', '[::1]'] }),
      publicRoute('mapped', { hosts: ['mapped.example.net'], identity_headers: { 'Remote-Person': 'sub' } }),
      publicRoute('reading', { hosts: ['reading.example.net'], policy: 'reading' }),
    ],
    policies: { reading: { policy: 'reading', rules: [
      { id: 'reading', effect: 'allow', when: { all: [{ method: ['GET', 'HEAD'] }, { path: '/open/**' }] } },
      { id: 'no-secret', effect: 'deny', when: { path: '/open/secret/**' }, message: 'Not the secrets.' },
      { id: 'no-admins', effect: 'deny', when: { header: 'X-Role', has: 'admin' } },
    ] } },
    config: { server: { trusted_proxies: ['127.0.0.9'] } },
  });
});
after(() => site?.stop());
beforeEach(() => site.upstream.forget());

const ask = (host, target, more = {}) => site.request({ listener: 'plain', host, target, ...more });

/* The log line of the request that was just forwarded. */
const lineOfLast = () => {
  const id = site.upstream.last.header('x-request-id');
  return site.gate.logLine((line) => line.request_id === id);
};

describe('hosts and paths', () => {
  const rows = [
    [HOST, '/', 'root'], [HOST, '/anything?x=/wiki', 'root'], [HOST, '/wikix', 'root'], [HOST, '/Wiki', 'root'],
    [HOST, '/wiki', 'wiki'], [HOST, '/wiki/', 'wiki'], [HOST, '/wiki/a', 'wiki'], [HOST, '/wiki/a/bc', 'wiki'],
    [HOST, '/wiki?x', 'wiki'], [HOST, '/%77iki', 'wiki'],
    [HOST, '/wiki/a/b', 'deep'], [HOST, '/wiki/a/b/c/d/e', 'deep'],
    ['SITE.Example.COM', '/', 'root'], [`${HOST}.`, '/', 'root'], [`${HOST}:8443`, '/', 'root'],
    ['a.example.com', '/', 'wild'], ['a.b.example.com', '/', 'wild'], ['near.example.com', '/', 'wild'],
    ['a.near.example.com', '/', 'nearest'], ['x.a.near.example.com', '/', 'nearest'],
    ['only.example.net', '/only', 'only'], ['only.example.net', '/only/x', 'only'],
    ['127.0.0.1', '/', 'address'], ['[::1]:80', '/', 'address'], ['[0:0::0:1]', '/', 'address'],
  ];
  for (const [host, target, want] of rows)
    test(`${host}${target} takes the route "${want}"`, async () => {
      const response = await ask(host, target);
      assert.equal(response.status, 200, response.text);
      assert.equal((await lineOfLast()).route, want);
      site.upstream.assertClean();
    });

  const nowhere = [
    ['example.com', '/'], ['unknown.example.net', '/'], ['xexample.com', '/'], ['site.example.com.evil.example', '/'],
    ['only.example.net', '/'], ['only.example.net', '/onlyx'], ['127.0.0.2', '/'], ['localhost', '/'],
  ];
  for (const [host, target] of nowhere)
    test(`${host}${target} is served by no route: 404`, async () => {
      assertRefused(await ask(host, target), 404, site.upstream);
      const line = await site.gate.logLine((one) => one.status === 404 && one.host === host && one.request_uri === target);
      assert.equal(line.reason, 'no_route');
    });

  test('on a TLS listener as well', async () => {
    const response = await site.request({ listener: 'secure', host: HOST, target: '/wiki' });
    assert.equal(response.status, 200);
    assert.equal(site.upstream.last.header('x-forwarded-proto'), 'https');
  });

  test('the absolute form is taken when it says the same', async () => {
    const response = await ask(HOST, `http://${HOST}/wiki?x=1`);
    assert.equal(response.status, 200);
    assert.equal(site.upstream.last.target, '/wiki?x=1');
  });

  test('what is sent on is what was judged, the query as it came', async () => {
    for (const [target, want] of [['/wiki/%7euser/%41', '/wiki/~user/A'], ['/wiki/caf%c3%a9', '/wiki/caf%C3%A9'],
      ['/wiki?a=%2e%2e%2f&b=%2F', '/wiki?a=%2e%2e%2f&b=%2F'], ['/wiki?', '/wiki?']]) {
      assert.equal((await ask(HOST, target)).status, 200, target);
      assert.equal(site.upstream.last.target, want);
    }
  });
});

describe('redirect_to_https', () => {
  const ports = () => new URL(site.gate.origin('secure')).port;
  for (const [method, target] of [['GET', '/'], ['GET', '/wiki/a?b=c&d=%2F'], ['POST', '/form'], ['HEAD', '/x']])
    test(`${method} ${target}`, async () => {
      const response = await site.request({ listener: 'redirect', host: HOST, method, target });
      assertRefused(response, 308, site.upstream);
      assert.equal(response.header('location'), `https://${HOST}:${ports()}${target}`);
    });
  test('a host that is not served is not redirected to', async () => {
    assertRefused(await site.request({ listener: 'redirect', host: 'evil.example' }), 404, site.upstream);
  });
  test('neither are its own paths served there', async () => {
    const response = await site.request({ listener: 'redirect', host: HOST, target: '/.sallyport/whoami' });
    assert.equal(response.status, 308);
  });
});

describe('reserved paths', () => {
  for (const [method, target, status, more = {}] of [
    ['GET', '/.sallyport', 404], ['GET', '/.sallyport/', 404], ['GET', '/.sallyport/unknown', 404],
    ['POST', '/.sallyport/unknown', 404], ['GET', '/.sallyport/static/', 404],
    ['GET', '/.sallyport/static/nothing.css', 404], ['GET', '/.sallyport/login/x', 404],
    ['GET', '/.sallyport/logout', 405], ['PUT', '/.sallyport/whoami', 405], ['POST', '/.sallyport/jwks.json', 405],
    ['GET', '/.sallyport/whoami', 401], ['GET', '/.sallyport/static/style.css', 200],
    ['GET', '/.sallyport/jwks.json', 200], ['GET', '/.%73allyport/jwks.json', 200],
  ])
    test(`${method} ${target}: ${status}`, async () => {
      const response = await ask(HOST, target, { method, ...more });
      assertRefused(response, status, site.upstream);
      assert.equal(response.header('x-content-type-options'), 'nosniff');
      if (status === 405)
        assert.ok(response.header('allow'));
    });

  test('only on hosts that have a route', async () => {
    assertRefused(await ask('unknown.example.net', '/.sallyport/jwks.json'), 404, site.upstream);
  });

  test('the style is a style sheet, the keys are keys', async () => {
    assert.match((await ask(HOST, '/.sallyport/static/style.css')).header('content-type'), /^text\/css/);
    const { keys } = (await ask(HOST, '/.sallyport/jwks.json')).json;
    assert.ok(keys.length > 0);
    for (const key of keys) {
      assert.deepEqual([key.kty, key.crv, key.d], ['EC', 'P-256', undefined]);
      assert.ok(key.kid);
    }
  });

  for (const target of ['/healthz', '/readyz', '/metrics'])
    test(`the admin's ${target} is nothing here`, async () => {
      const response = await ask(HOST, target);
      assert.equal(response.status, 200);
      assert.equal(site.upstream.last.target, target, 'it is the application\'s own');
      assert.equal((await ask('only.example.net', target)).status, 404);
    });
});

/* A whole head in raw bytes: a request line and header lines, Host added unless told. */
const raw = (line, headers = [], body = '', host = `Host: ${HOST}`) =>
  `${[line, ...(host ? [host] : []), ...headers].join('\r\n')}\r\n\r\n${body}`;

const target = (text) => raw(`GET ${text} HTTP/1.1`);
const headers = (...lines) => raw('POST / HTTP/1.1', lines, 'hello');

/* What is no request line at all may be closed without an answer, instead of 400. */
const SILENT = 'silent';

/* name, bytes, the statuses that are fine; 400 alone unless told */
const badTargets = [
  '/admin#/public', '/#', '/wiki?x#y', '/public/../admin', '/..', '/.', '/./', '/wiki/.', '/wiki/..', '/a/./b',
  '/public/%2e%2e/admin', '/public/%2E%2e/admin', '/public/.%2e/admin', '/%2e', '/a%2eb', '/public/..;/admin',
  '/public/..;x=1/admin', '/a;b', '/a;', '/a%3bb', '/public//../admin', '//', '//evil.example', '/a//b', '/a/',
  '/public/..\\admin', '/public\\..\\admin', '/public/%5c..%5cadmin', '/a%5Cb', '/public/..%2fadmin', '/a%2Fb',
  '/%2f%2fevil.example', '/%00', '/a%00.html', '/a%0ab', '/a%0d%0ab', '/a%1f', '/a%7f', '/%252e%252e/admin',
  '/a%252fb', '/a%2500', '/%25%32%65', '/%', '/%4', '/%zz', '/%u002e', '/%ff', '/%c0%af', '/%c0%ae%c0%ae/admin',
  '/%e0%80%af', '/%ed%a0%80', '/a"b', '/a<b>', '/a|b', '/a{b}', '/a^b', '/a`b', '/caf\xe9', '/a\x01b', '/a\x7fb',
  '/a\0b', '/a\tb', '/wiki?a\x01', '/wiki?a\0b', '/wiki?a=%00', '/wiki?a=%zz', 'wiki', '?x', '*', '', '\\',
  'http://other.example.com/', `https://${HOST}/`, `http://${HOST}:81/`, `http://user@${HOST}/`, 'http:///x',
  `ftp://${HOST}/`, `${HOST}:80`, `http://${HOST}\\@evil/`,
].filter((one) => one !== '/a/').map((text) => [`the target ${JSON.stringify(text)}`, target(text), 400,
  ...(text.includes('\0') ? [SILENT] : [])]);

const badLines = [
  ['a lower-case method', raw('get / HTTP/1.1'), 400], ['a method with an odd byte', raw('G@T / HTTP/1.1'), 400],
  ['a method in mixed case', raw('Get / HTTP/1.1'), 400],
  ['CONNECT', raw(`CONNECT ${HOST}:80 HTTP/1.1`), 400, 501], ['TRACE', raw('TRACE / HTTP/1.1'), 501],
  ['a very long method', raw(`${'A'.repeat(100)} / HTTP/1.1`), 400, 501],
  ['a space too many', raw('GET  / HTTP/1.1'), 400], ['a space inside the target', raw('GET /a b HTTP/1.1'), 400],
  ['a space at the end', raw('GET / HTTP/1.1 '), 400], ['a tab for a space', raw('GET\t/\tHTTP/1.1'), 400, SILENT],
  ['a leading space', raw(' GET / HTTP/1.1'), 400, SILENT], ['no version', raw('GET /'), 400, 505],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400, 505], ['HTTP/2.0', raw('GET / HTTP/2.0'), 400, 505],
  ['HTTP/1.2', raw('GET / HTTP/1.2'), 400, 505], ['http/1.1', raw('GET / http/1.1'), 400, 505],
  ['HTTP/1.10', raw('GET / HTTP/1.10'), 400, 505], ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 501, 505],
  ['a TLS hello', Buffer.from('1603010005010000010303', 'hex').toString('latin1') + '\r\n\r\n', 400, SILENT],
  ['a target of 9000 bytes', target(`/${'a'.repeat(9000)}`), 414, 431],
  ['a head of 100 KiB', headers(...Array.from({ length: 100 }, (_, i) => `X-${i}: ${'a'.repeat(1024)}`)), 431],
  ['200 headers', headers(...Array.from({ length: 200 }, (_, i) => `X-${i}: a`)), 431],
];

const badHeaders = [
  ['no Host', raw('GET / HTTP/1.1', [], '', '')], ['no Host in HTTP/1.0', raw('GET / HTTP/1.0', [], '', '')],
  ['two Hosts', headers('Host: site.example.com')], ['two Hosts, in other cases', headers('hOST: other.example.com')],
  ['an empty Host', raw('GET / HTTP/1.1', [], '', 'Host:')],
  ...[`${HOST}, evil.example`, `user@${HOST}`, `${HOST}/x`, `${HOST}:`, `${HOST}:0`, `${HOST}:99999`, `${HOST}:80a`,
    `${HOST}?x`, `${HOST}#x`, 'site example.com', '[::1', '::1', `..${HOST}`, `${HOST}..`, '%73ite.example.com',
    'site\\.example.com', '1.2.3', '0x7f.1', 'caf\xe9.example.com'].map((host) =>
    [`the Host ${JSON.stringify(host)}`, raw('GET / HTTP/1.1', [], '', `Host: ${host}`)]),
  ['a space before the colon', headers('X-A : b')], ['a tab before the colon', headers('X-A\t: b')],
  ['a space before Host\'s colon', raw('GET / HTTP/1.1', [], '', `Host : ${HOST}`)],
  ['a folded line', headers('X-A: b', ' c')], ['a folded line with a tab', headers('X-A: b', '\tX-Forwarded-User: root')],
  ['a first line that is folded', raw('GET / HTTP/1.1', [`Host: ${HOST}`], '', ' X: y')],
  ['a name with a space', headers('X A: b')], ['a name with a slash', headers('X/A: b')],
  ['a name with a bracket', headers('X(A): b')], ['a name with a byte above 127', headers('X\xe9: b')],
  ['a name with a control byte', headers('X\x01A: b')], ['an empty name', headers(': b')], ['no colon', headers('hello')],
  ['a NUL in a value', headers('X-A: b\0c')], ['a control byte in a value', headers('X-A: b\x01c')],
  ['DEL in a value', headers('X-A: b\x7fc')], ['a CR in a value', headers('X-A: b\rX-Forwarded-User: root')],
  ['a bare LF between headers', `POST / HTTP/1.1\r\nHost: ${HOST}\r\nX-A: b\nX-B: c\r\nContent-Length: 5\r\n\r\nhello`],
  ['bare LFs alone', `GET / HTTP/1.1\nHost: ${HOST}\n\n`],
  ['two Authorizations', headers('Authorization: Bearer a', 'Authorization: Bearer b')],
  ['two Content-Types', headers('Content-Type: a/b', 'content-type: c/d', 'Content-Length: 5')],
  ['two Origins', headers('Origin: null', 'Origin: https://evil.example')],
  ['two Sec-Fetch-Sites', headers('Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site')],
  ['Connection that names Host', headers('Connection: host')],
  ['Connection that names Content-Length', headers('Content-Length: 5', 'Connection: content-length')],
  ['Connection that is no token', headers('Connection: a b')],
  ['an expectation that is not known', headers('Expect: 200-ok', 'Content-Length: 5'), 417],
];

const framing = [
  ['Content-Length beside Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
  ['Transfer-Encoding beside Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
  ['Transfer-Encoding beside Content-Length: 0', ['Transfer-Encoding: chunked', 'Content-Length: 0']],
  ['Transfer-Encoding twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
  ['chunked twice', ['Transfer-Encoding: chunked, chunked']], ['gzip, chunked', ['Transfer-Encoding: gzip, chunked']],
  ['chunked, identity', ['Transfer-Encoding: chunked, identity']], ['identity', ['Transfer-Encoding: identity']],
  ['gzip', ['Transfer-Encoding: gzip']], ['xchunked', ['Transfer-Encoding: xchunked']],
  ['chunked with a parameter', ['Transfer-Encoding: chunked;q=1']], ['quoted chunked', ['Transfer-Encoding: "chunked"']],
  ['an empty Transfer-Encoding', ['Transfer-Encoding:']], ['chunked behind VT', ['Transfer-Encoding: \x0bchunked']],
  ['Transfer-Encoding with a space before the colon', ['Transfer-Encoding : chunked']],
  ['Transfer_Encoding', ['Transfer_Encoding: chunked', 'Content-Length: 5']],
  ['Content_Length', ['Content_Length: 50', 'Content-Length: 5']],
  ['Content-Length twice, the same', ['Content-Length: 5', 'Content-Length: 5']],
  ['Content-Length twice, different', ['Content-Length: 5', 'Content-Length: 6']],
  ...['5, 5', '+5', '-5', '0x5', '5 5', '5a', '05', '', '5.0', '99999999999999999999', '18446744073709551621', '\xb5'].map((length) =>
    [`Content-Length: ${length}`, [`Content-Length: ${length}`]]),
].map(([name, lines]) => [name, headers(...lines), 400, 413, 501]);  /* 501: RFC 9112, section 6.1 */
framing.push(['Transfer-Encoding in HTTP/1.0', raw('POST / HTTP/1.0', ['Transfer-Encoding: chunked'], '0\r\n\r\n')]);

/* What a smuggler would have the application see. */
const smuggled = requestBytes({ target: '/smuggled', host: HOST, headers: { 'X-Smuggled': 'yes' } }).toString('latin1');

/* No answer, the connection closed, nothing forwarded, and still a line that says so. */
async function refusedInSilence(connection, before) {
  assert.ok(await connection.isClosed());
  await connection.close();
  site.upstream.assertUntouched();
  await site.gate.logLine(() => site.gate.accessLog().length > before, { timeoutMs: 500 });
  assert.equal(site.gate.accessLog()[before].reason, 'bad_request');
}

describe('requests that could be read in two ways: refused and closed', () => {
  before(async () => {  /* the lines of what came before are written */
    await ask(HOST, '/');
    await lineOfLast();
  });
  for (const [name, bytes, ...statuses] of [...badTargets, ...badLines, ...badHeaders, ...framing])
    test(name, async () => {
      const before = site.gate.accessLog().length;
      const connection = await site.open({ listener: 'plain' });
      connection.write(bytes + smuggled);
      const response = await connection.read({ timeoutMs: 5000 });
      if (!response && statuses.includes(SILENT)) {
        await refusedInSilence(connection, before);
        return;
      }
      assert.ok(response, 'closed without an answer');
      assert.ok((statuses.length > 0 ? statuses : [400]).includes(response.status), `${response.status} ${response.text}`);
      assert.equal(await connection.read(), undefined, 'what follows is not read');
      assert.ok(await connection.isClosed());
      await connection.close();
      site.upstream.assertUntouched();
      await site.gate.logLine(() => site.gate.accessLog().length > before, { timeoutMs: 500 })
        .catch(() => assert.fail('no line in the access log'));
      const [line, ...more] = site.gate.accessLog().slice(before);
      assert.deepEqual([line.status, line.route, line.upstream_addr, more.length], [response.status, '', '', 0]);
    });

  test('an empty connection is no request', async () => {
    const before = site.gate.accessLog().length;
    const connection = await site.open({ listener: 'plain' });
    await connection.close();
    await ask(HOST, '/');
    await lineOfLast();
    assert.equal(site.gate.accessLog().length, before + 1);
  });
});

describe('chunked bodies that are no such: the application never gets a whole request', () => {
  const bodies = [
    ['a size that is no number', 'zz\r\nhello\r\n0\r\n\r\n'], ['a size with a sign', '+5\r\nhello\r\n0\r\n\r\n'],
    ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'], ['an endless size', `${'f'.repeat(20)}\r\nhello\r\n0\r\n\r\n`],
    ['an empty size', '\r\nhello\r\n0\r\n\r\n'], ['a chunk longer than it said', '5\r\nhello!\r\n0\r\n\r\n'],
    ['a chunk without its end', '5\r\nhello0\r\n\r\n'], ['bare LFs', '5\nhello\n0\n\n'],
    ['a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'], ['a CR inside the size line', '5\rX\nhello\r\n0\r\n\r\n'],
  ];
  for (const [name, body] of bodies)
    test(name, async () => {
      const connection = await site.open({ listener: 'plain' });
      connection.write(raw('POST /chunked HTTP/1.1', ['Transfer-Encoding: chunked'], body) + smuggled);
      const response = await connection.read({ timeoutMs: 5000 }).catch(() => undefined);
      assert.ok(response === undefined || [400, 413].includes(response.status), `${response?.status} ${response?.text}`);
      assert.ok(await connection.isClosed());
      await connection.close();
      assert.ok(!site.upstream.requests.some((one) => one.target === '/smuggled'), 'smuggled');
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(!site.upstream.requests.some((one) => one.body.length > 0), 'the body looked complete');
    });

  test('trailers go no further', async () => {
    const body = '5\r\nhello\r\n0\r\nX-Forwarded-User: root\r\nX-Trailer: x\r\n\r\n';
    const connection = await site.open({ listener: 'plain' });
    connection.write(raw('POST / HTTP/1.1', ['Transfer-Encoding: chunked', 'Trailer: X-Forwarded-User'], body));
    const response = await connection.read();
    if (response?.status === 200) {
      assert.equal(site.upstream.last.body.toString(), 'hello');
      assert.deepEqual(site.upstream.last.folded('x-forwarded-user'), []);
      assert.deepEqual(site.upstream.last.all('x-trailer'), []);
      assert.deepEqual(site.upstream.last.all('trailer'), []);
      site.upstream.assertClean();
    } else {
      assert.equal(response?.status, 400);
    }
    await connection.close();
  });

  test('several requests in one write are answered in their order', async () => {
    const connection = await site.open({ listener: 'plain' });
    connection.write([1, 2, 3].map((n) => requestBytes({ target: `/${n}`, host: HOST, method: n === 2 ? 'POST' : 'GET',
      body: n === 2 ? 'two' : '' }).toString('latin1')).join(''));
    for (let n = 0; n < 3; n++)
      assert.equal((await connection.read()).status, 200);
    assert.deepEqual(site.upstream.requests.map((one) => one.target), ['/1', '/2', '/3']);
    await connection.close();
    site.upstream.assertClean();
  });

  test('a head that comes byte by byte is the same request', async () => {
    const connection = await site.open({ listener: 'plain' });
    for (const byte of requestBytes({ target: '/slowly', host: HOST }))
      connection.write(Buffer.from([byte]));
    assert.equal((await connection.read()).status, 200);
    await connection.close();
  });
});

/* Every name that tells an application who is asking or from where, and the spellings that fold to it. */
const identityNames = [
  'X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Preferred-Username', 'X-Forwarded-For',
  'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Uri',
  'X-Forwarded-Method', 'X-Forwarded-Server', 'X-Forwarded-Scheme', 'X-Forwarded-Ssl', 'X-Forwarded-By',
  'X-Forwarded-Client-Cert', 'X-Forwarded-Access-Token', 'X-Forwarded-Anything-At-All', 'X-Forwarded', 'Forwarded',
  'X-Real-IP', 'X-Request-Id', 'X-Sallyport-Assertion', 'X-Sallyport-Anything', 'Client-Cert', 'Client-Cert-Chain',
  'X-Original-URL', 'X-Original-Uri', 'X-Original-Host', 'X-Original-Forwarded-For', 'X-Rewrite-URL', 'True-Client-IP',
  'X-Client-IP', 'X-Cluster-Client-IP', 'CF-Connecting-IP', 'Fastly-Client-IP', 'Remote-User', 'Remote-Groups',
  'Remote-Email', 'Remote-Name', 'X-Auth-Request-User', 'X-Auth-Request-Email', 'X-Auth-Request-Groups', 'Proxy',
];
const spellings = [
  (name) => name, (name) => name.toLowerCase(), (name) => name.toUpperCase(), (name) => name.replaceAll('-', '_'),
  (name) => name.replaceAll('-', '.'), (name) => name.replace('-', '_'), (name) => name.replaceAll('-', '~').toLowerCase(),
  (name) => name.replaceAll('-', '!'), (name) => name.replaceAll('-', '|').toUpperCase(),
];
const FORGED = 'forged-root';
const foldName = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, '-');

/* What the gate itself says of a request nobody is signed in for. */
const rebuilt = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'x-request-id'];

describe('forged identity never reaches the application', () => {
  for (const name of identityNames)
    test(name, async () => {
      for (const spell of spellings) {
        const value = foldName(name) === 'forwarded' ? `for=${FORGED}` : FORGED;
        const response = await ask(HOST, '/', { headers: [[spell(name), value], [spell(name), value], ['X-Kept', 'kept']] });
        assert.equal(response.status, 200, `${spell(name)}: ${response.text}`);
        const { last } = site.upstream;
        assert.equal(last.headers.filter(([, text]) => text.includes(FORGED)).length, 0, `${spell(name)} came through`);
        assert.equal(last.folded(name).length, rebuilt.includes(foldName(name)) ? 1 : 0, spell(name));
        assert.equal(last.header('x-kept'), 'kept');
      }
      site.upstream.assertClean();
    });

  test('in Unicode look-alikes and behind spaces it is no header at all', async () => {
    for (const name of ['X-Forwarded-User ', 'X-Forwarded\u2010User', 'X-Forwarded-\u00dcser']) {
      site.upstream.forget();
      const response = await ask(HOST, '/', { bytes: Buffer.from(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n${name}: ${FORGED}\r\n\r\n`, 'utf8') });
      assert.equal(response.status, 400, name);
      site.upstream.assertUntouched();
    }
  });

  test('the names of the route\'s own identity headers', async () => {
    for (const spell of spellings) {
      await ask('mapped.example.net', '/', { headers: [[spell('Remote-Person'), FORGED]] });
      assert.deepEqual(site.upstream.last.folded('remote-person'), []);
    }
  });

  test('on OPTIONS and other methods too', async () => {
    for (const method of ['OPTIONS', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'X-CUSTOM']) {
      const response = await ask(HOST, '/', { method, headers: { 'X-Forwarded-User': FORGED } });
      assert.equal(response.status, 200, method);
      assert.deepEqual([site.upstream.last.method, site.upstream.last.folded('x-forwarded-user')], [method, []]);
    }
  });

  test('Connection cannot remove what the gate sets, and removes what it names of the client\'s', async () => {
    for (const connection of [rebuilt.join(', '), rebuilt.join(',').toUpperCase(), 'X_Forwarded_For, x-real-ip, X-Gone, close']) {
      const response = await ask(HOST, '/', { headers: { Connection: connection, 'X-Gone': 'x', 'X-Forwarded-For': FORGED } });
      assert.equal(response.status, 200);
      const { last } = site.upstream;
      for (const name of rebuilt)
        assert.equal(last.all(name).length, 1, `${name} with Connection: ${connection}`);
      if (connection.includes('X-Gone'))
        assert.equal(last.header('x-gone'), undefined);
    }
  });

  test('where the request came from is told anew', async () => {
    await ask(`${HOST}:8080`, '/', { localAddress: '127.0.0.5', headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'evil.example', Forwarded: 'for=203.0.113.9;proto=https' } });
    const { last } = site.upstream;
    assert.equal(last.header('x-forwarded-for'), '127.0.0.5');
    assert.equal(last.header('x-real-ip'), '127.0.0.5');
    assert.equal(last.header('x-forwarded-proto'), 'http');
    assert.equal(last.header('x-forwarded-host'), `${HOST}:8080`);
    assert.match(last.header('forwarded'), /^for="?127\.0\.0\.5"?;host="site\.example\.com:8080";proto=http$|^for=127\.0\.0\.5;proto=http;host="site\.example\.com:8080"$/);
    assert.equal(last.header('host'), `${HOST}:8080`);
    assert.equal((await lineOfLast()).client_ip, '127.0.0.5');
  });

  test('a trusted proxy is believed, for the hop in front of it and no more', async () => {
    const response = await ask(HOST, '/', { localAddress: '127.0.0.9', headers: { 'X-Forwarded-For': 'spoofed, 203.0.113.9',
      'X-Forwarded-Proto': 'https' } });
    assert.equal(response.status, 200, response.text);
    const { last } = site.upstream;
    assert.equal(last.header('x-real-ip'), '203.0.113.9');
    assert.equal(last.header('x-forwarded-proto'), 'https');
    assert.match(last.header('x-forwarded-for'), /203\.0\.113\.9, 127\.0\.0\.9$/);
    assert.equal((await lineOfLast()).client_ip, '203.0.113.9');
  });

  test('X-Forwarded-Uri and its like choose no path', async () => {
    const response = await ask('reading.example.net', '/closed', { headers: { 'X-Forwarded-Uri': '/open/x', 'X-Original-URL': '/open/x',
      'X-Rewrite-URL': '/open/x', 'X-HTTP-Method-Override': 'GET' } });
    assertRefused(response, 403, site.upstream);
  });
});

describe('the policy of a public route', () => {
  const rows = [
    ['GET', '/open/x', 200], ['HEAD', '/open/x', 200], ['POST', '/open/x', 403], ['GET', '/closed?/open/x', 403],
    ['GET', '/open/secret/x', 403], ['GET', '/open/%73ecret/x', 403], ['GET', '/openx', 403], ['GET', '/', 403],
  ];
  for (const [method, where, status] of rows)
    test(`${method} ${where}: ${status}`, async () => {
      const response = await ask('reading.example.net', where, { method });
      assert.equal(response.status, status, response.text);
      if (status === 403) {
        assertRefused(response, 403, site.upstream);
        assert.equal(response.header('location'), undefined, 'nobody is sent to log in');
      }
    });
  for (const lines of [[['X-Role', 'user'], ['X-Role', 'admin']], [['X-Role', 'user,admin']], [['x-ROLE', ' admin ']], [['X-Role', 'admin'], ['X-Role', 'user']], [['X_Role', 'admin']]])
    test(`a repeated header hides nothing from a deny: ${JSON.stringify(lines)}`, async () => {
      const response = await ask('reading.example.net', '/open/x', { headers: lines });
      assertRefused(response, 403, site.upstream);
    });
});

describe('what ends at the gate', () => {
  test('hop-by-hop headers of a request', async () => {
    const response = await ask(HOST, '/', { headers: { Connection: 'keep-alive, x-private', 'Keep-Alive': 'timeout=9', 'Proxy-Connection': 'keep-alive',
      TE: 'trailers', Trailer: 'X-T', 'X-Private': 'p', 'Proxy-Authorization': 'Basic eDp5', 'X-Public': 'p' } });
    assert.equal(response.status, 200);
    const { last } = site.upstream;
    for (const name of ['keep-alive', 'proxy-connection', 'te', 'trailer', 'x-private', 'proxy-authorization', 'upgrade'])
      assert.equal(last.header(name), undefined, name);
    assert.ok(!/x-private/i.test(last.header('connection') ?? ''));
    assert.equal(last.header('x-public'), 'p');
  });

  test('an Upgrade is not passed on by accident', async () => {
    const response = await ask(HOST, '/', { headers: { Connection: 'upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' } });
    if (site.upstream.requests.length > 0)
      assert.equal(site.upstream.last.header('upgrade'), undefined);
    assert.notEqual(response.status, 101);
  });

  for (const [cookies, want] of [
    ['a=1; __Host-sallyport=canary-of-a-session; b=2', 'a=1; b=2'], ['__Host-sallyport=canary-of-a-session', undefined],
    ['a=1; __Host-sallyport-login-abcdefgh=canary-of-a-flow', 'a=1'],
    ['__Host-sallyport=one; __Host-sallyport=two; c=3', 'c=3'], ['a=1;b=2', /^a=1; ?b=2$/],
    ['x__Host-sallyport=mine', 'x__Host-sallyport=mine'],
  ])
    test(`the gate's own cookies: ${cookies}`, async () => {
      assert.equal((await ask(HOST, '/', { headers: { Cookie: cookies } })).status, 200);
      const got = site.upstream.last.header('cookie');
      if (want instanceof RegExp)
        assert.match(got, want);
      else
        assert.equal(got, want);
    });

  test('odd cookies harm nothing', async () => {
    for (const cookies of [';;;', '=', 'a', '=;=;', `${'a=1; '.repeat(1000)}b=2`, '__Host-sallyport', '__Host-sallyport=', '__Host-sallyport="x"']) {
      const response = await ask(HOST, '/', { headers: { Cookie: cookies } });
      assert.ok([200, 400, 431].includes(response.status), `${cookies.slice(0, 40)}: ${response.status}`);
      assert.ok(!/__Host-sallyport/.test(site.upstream.last?.header('cookie') ?? ''), cookies.slice(0, 40));
    }
  });
});
