/*
 * Bytes both ways: bodies whole and in order whatever their size and framing,
 * connections reused, failures of the application told apart and never dressed up
 * as success, and neither side able to make the gate hold what the other does not take.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { usualCerts } from '../support/certs.mjs';
import { requestBytes } from '../support/client.mjs';
import { freePorts } from '../support/gate.mjs';
import { assertRefused, plainListener, publicRoute, startSite, tlsListener } from '../support/site.mjs';
import { startUpstream } from '../support/upstream.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');

/* What the application answers by path; a test puts its own in. */
const handlers = new Map();
const handler = (request, socket) => {
  const found = [...handlers].find(([prefix]) => request.target.startsWith(prefix));
  return found ? found[1](request, socket) : { body: `you asked for ${request.target}\n` };
};
const heads = new Map();
const onHead = async (request, socket) => {
  await heads.get(request.target)?.(request, socket);
};

let site, secure, foreign, socketed;
before(async () => {
  const { server, serverCa, strangerCa } = usualCerts();
  const [closed, closedToo] = await freePorts(2);
  secure = await startUpstream({ tls: { key: server.key, cert: server.cert } });
  foreign = await startUpstream({ tls: { key: server.key, cert: server.cert } });
  socketed = await startUpstream({ unix: true });
  const upstreams = (url) => [
    { name: 'refused', servers: [{ url: `http://127.0.0.1:${closed}` }] },
    { name: 'second', servers: [{ url: `http://127.0.0.1:${closedToo}` }, { url }] },
    { name: 'slow', servers: [{ url }], response_timeout: '300ms', idle_timeout: '500ms' },
    { name: 'busy', servers: [{ url }], max_connections: 1 },
    { name: 'bare', servers: [{ url }], host: 'upstream' },
    { name: 'secure', servers: [{ url: secure.url }], authorities: 'tls/server-ca.pem' },
    { name: 'named', servers: [{ url: secure.url }], authorities: 'tls/server-ca.pem', server_name: 'a.example.com' },
    { name: 'misnamed', servers: [{ url: secure.url }], authorities: 'tls/server-ca.pem', server_name: 'a.example.net' },
    { name: 'foreign', servers: [{ url: foreign.url }], authorities: 'tls/stranger-ca.pem' },
    { name: 'socketed', servers: [{ url: socketed.url }] },
  ];
  const names = upstreams('').map(({ name }) => name);
  site = await startSite({
    name: 'forwarding', knobs: null, upstream: { handler, onHead }, upstreams,
    listeners: [plainListener(), tlsListener()],
    routes: [
      publicRoute('app'), ...names.map((name) => publicRoute(name, { path: `/${name}`, upstream: name })),
      publicRoute('small', { path: '/small', max_body: '1KiB' }),
    ],
    files: { 'tls/server-ca.pem': serverCa.cert, 'tls/stranger-ca.pem': strangerCa.cert },
  });
});
after(() => Promise.all([site?.stop(), ...[secure, foreign, socketed].map((one) => one?.close())]));
beforeEach(() => {
  site.upstream.forget();
  handlers.clear();
  heads.clear();
});

const ask = (target, more = {}) => site.request({ target, ...more });
const lineOf = (target) => site.gate.logLine((line) => line.request_uri === target);

describe('bodies', () => {
  const chunked = (body, size) => {
    const parts = [];
    for (let at = 0; at < body.length; at += size) {
      const piece = body.subarray(at, at + size);
      parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    }
    return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
  };

  for (const listener of ['plain', 'public'])
    for (const size of [0, 1, 1000, 16 * KIB, 64 * KIB, 64 * KIB + 1, 5 * MIB])
      for (const up of ['length', 'chunked'])
        for (const down of ['length', 'chunked'])
          test(`${listener}: ${size} bytes up by ${up}, back by ${down}`, async () => {
            handlers.set('/echo', (request) => ({ body: request.body, chunked: down === 'chunked' }));
            const body = randomBytes(size);
            const response = await ask('/echo', up === 'length' ? { listener, method: 'POST', body }
              : { listener, bytes: Buffer.concat([Buffer.from('POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'),
                chunked(body, 30000)]), method: 'POST' });
            assert.equal(response.status, 200, response.text.slice(0, 200));
            assert.equal(site.upstream.last.body.length, size);
            assert.equal(hash(site.upstream.last.body), hash(body));
            assert.equal(hash(response.body), hash(body));
            assert.equal(response.header('content-length'), down === 'length' ? String(size) : undefined);
            site.upstream.assertClean();
            const last = await site.gate.logLine((line) => line.request_id === site.upstream.last.header('x-request-id'));
            assert.deepEqual([last.bytes_received, last.bytes_sent], [size, size]);
          });

  test('a POST without a body has Content-Length: 0, a GET has none', async () => {
    await ask('/a', { method: 'POST' });
    assert.equal(site.upstream.last.header('content-length'), '0');
    await ask('/a');
    assert.equal(site.upstream.last.header('content-length'), undefined);
    assert.equal(site.upstream.last.header('transfer-encoding'), undefined);
  });

  test('a GET with a body keeps it', async () => {
    await ask('/a', { method: 'GET', body: 'query', headers: { 'Content-Length': '5' } });
    assert.equal(site.upstream.last.body.toString(), 'query');
  });

  test('HEAD: the length is told, no body comes, the connection goes on', async () => {
    handlers.set('/head', () => ({ body: 'x'.repeat(5000), headers: { ETag: '"e"' } }));
    const connection = await site.open();
    for (let i = 0; i < 3; i++) {
      connection.write(requestBytes({ method: 'HEAD', target: '/head' }));
      const response = await connection.read({ method: 'HEAD' });
      assert.deepEqual([response.status, response.header('content-length'), response.header('etag')], [200, '5000', '"e"']);
    }
    connection.write(requestBytes({ target: '/head' }));
    assert.equal((await connection.read()).body.length, 5000);
    await connection.close();
  });

  for (const [status, headers] of [[204, {}], [304, { ETag: '"e"' }], [304, { ETag: '"e"', 'Content-Length': '5000' }], [205, {}]])
    test(`${status} ${JSON.stringify(headers)}: no body, the connection goes on`, async () => {
      handlers.set('/none', () => ({ status, headers, body: '' }));
      const connection = await site.open();
      for (let i = 0; i < 2; i++) {
        connection.write(requestBytes({ target: '/none' }));
        const response = await connection.read({ timeoutMs: 3000 });
        assert.deepEqual([response.status, response.body.length], [status, 0]);
        assert.equal(response.header('transfer-encoding'), undefined);
        assert.equal(response.header('etag'), headers.ETag);
      }
      connection.write(requestBytes({ target: '/' }));
      assert.equal((await connection.read()).status, 200);
      await connection.close();
    });

  for (const status of [200, 201, 206, 301, 400, 404, 418, 429, 500, 503, 599])
    test(`${status} of the application is the answer`, async () => {
      handlers.set('/status', () => ({ status, reason: 'As It Is', body: 'b', headers: { Location: '/elsewhere', 'Retry-After': '7' } }));
      const response = await ask('/status');
      assert.deepEqual([response.status, response.text, response.header('location'), response.header('retry-after')],
        [status, 'b', '/elsewhere', '7']);
      assert.equal((await lineOf('/status')).reason, 'served');
    });

  test('a body that ends with the connection', async () => {
    handlers.set('/until-close', (request, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end');
    });
    const response = await ask('/until-close');
    assert.deepEqual([response.status, response.text], [200, 'until the end']);
  });

  test('an application of HTTP/1.0', async () => {
    handlers.set('/old', (request, socket) => { socket.end('HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold'); });
    for (let i = 0; i < 2; i++)
      assert.equal((await ask('/old')).text, 'old');
  });

  test('interim answers are not the answer', async () => {
    handlers.set('/hints', (request, socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n');
      return { body: 'final' };
    });
    const response = await ask('/hints');
    assert.deepEqual([response.status, response.text, response.header('link')], [200, 'final', undefined]);
  });

  test('a client of HTTP/1.0 gets a body it can read, and the connection ends', async () => {
    handlers.set('/chunked', () => ({ body: 'in chunks', chunked: true }));
    for (const target of ['/chunked', '/plain']) {
      const connection = await site.open();
      connection.write(`GET ${target} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
      const response = await connection.read();
      assert.equal(response.status, 200);
      assert.equal(response.header('transfer-encoding'), undefined);
      assert.ok(response.text.length > 0);
      assert.ok(await connection.isClosed());
    }
  });

  test('a body larger than the route takes: 413', async () => {
    const body = Buffer.alloc(2000);
    assertRefused(await ask('/small', { method: 'POST', body }), 413, site.upstream);
    const response = await ask('/small', { method: 'POST', bytes: Buffer.concat([
      Buffer.from('POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'), chunked(body, 500)]) });
    assert.equal(response.status, 413);
    assert.ok(!site.upstream.requests.some((one) => one.body.length > 0), 'the application got it whole');
    assert.equal((await ask('/small', { method: 'POST', body: Buffer.alloc(1024) })).status, 200);
  });
});

describe('Expect: 100-continue', () => {
  const head = (target, length) => `POST ${target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  test('the body is asked for, then taken', async () => {
    handlers.set('/echo', (request) => ({ body: request.body }));
    const connection = await site.open();
    connection.write(head('/echo', 5));
    assert.equal((await connection.read({ interim: true })).status, 100);
    connection.write('hello');
    const response = await connection.read();
    assert.deepEqual([response.status, response.text], [200, 'hello']);
    await connection.close();
    site.upstream.assertClean();
  });
  test('a refusal comes without asking for the body', async () => {
    const connection = await site.open();
    connection.write(head('/small', 5000));
    const response = await connection.read({ interim: true });
    assertRefused(response, 413, site.upstream);
    await connection.close();
  });
  test('a client that does not wait is fine too', async () => {
    handlers.set('/echo', (request) => ({ body: request.body }));
    const connection = await site.open();
    connection.write(`${head('/echo', 5)}hello`);
    assert.equal((await connection.read()).text, 'hello');
    await connection.close();
  });
});

describe('connections to the application', () => {
  test('are kept and reused, over many client connections', async () => {
    await ask('/warm');
    site.upstream.forget();
    for (let i = 0; i < 20; i++)
      assert.equal((await ask(`/n${i}`)).status, 200);
    assert.equal(new Set(site.upstream.requests.map(({ connection }) => connection)).size, 1);
    assert.equal(site.upstream.connections, 0, 'new ones');
  });
  test('a client\'s connection is kept too, and outlives the application\'s', async () => {
    handlers.set('/closing', () => ({ body: 'bye', close: true }));
    const connection = await site.open();
    for (let i = 0; i < 5; i++) {
      connection.write(requestBytes({ target: '/closing' }));
      const response = await connection.read();
      assert.equal(response.text, 'bye');
      assert.notEqual(response.header('connection'), 'close');
    }
    await connection.close();
  });
  test('of several clients at once they are not shared', async () => {
    handlers.set('/turn', async (request) => {
      await sleep(30);
      return { body: request.target };
    });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(`/turn/${i}`)));
    answers.forEach((response, i) => assert.equal(response.text, `/turn/${i}`));
  });

  /* The application closes a kept connection at the very moment it is used again. */
  const stale = (method) => {
    const seen = new WeakMap();
    handlers.set('/stale', (request, socket) => {
      const count = (seen.get(socket) ?? 0) + 1;
      seen.set(socket, count);
      if (count > 1)
        socket.destroy();
      return count > 1 ? undefined : { body: 'fresh' };
    });
    return async () => {
      /* one connection, kept, to begin with */
      site.upstream.sockets.forEach((socket) => socket.destroy());
      await sleep(50);
      assert.equal((await ask('/stale')).status, 200);
      site.upstream.forget();
      return ask('/stale', { method, ...(method === 'POST' && { body: 'x' }) });
    };
  };
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    test(`a kept one that turns out closed: ${method} is sent again, once`, async () => {
      const response = await stale(method)();
      assert.equal(response.status, 200);
      assert.equal(site.upstream.requests.length, 2);
    });
  test('a POST that was sent is not sent twice: 502', async () => {
    const response = await stale('POST')();
    assert.equal(response.status, 502, response.text);
    assert.equal(site.upstream.requests.filter(({ method }) => method === 'POST').length, 1);
  });
  test('one that closed while it was idle is not used at all, by POST either', async () => {
    await ask('/idle');
    site.upstream.sockets.forEach((socket) => socket.end());
    await sleep(100);
    site.upstream.forget();
    assert.equal((await ask('/idle', { method: 'POST', body: 'x' })).status, 200);
    assert.equal(site.upstream.requests.length, 1);
  });
  test('bytes nobody asked for make a kept connection useless', async () => {
    handlers.set('/extra', (request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    });
    assert.equal((await ask('/extra')).text, 'ok');
    for (let i = 0; i < 3; i++)
      assert.equal((await ask(`/next${i}`)).text, `you asked for /next${i}\n`);
  });

  test('the next server is taken when one refuses', async () => {
    for (let i = 0; i < 4; i++)
      assert.equal((await ask('/second')).status, 200);
    assert.equal((await lineOf('/second')).upstream_addr, `127.0.0.1:${site.upstream.port}`);
  });
  test('Host is the client\'s, or the server\'s own where that is asked for', async () => {
    await ask('/x', { host: 'localhost:8443' });
    assert.equal(site.upstream.last.header('host'), 'localhost:8443');
    await ask('/bare', { host: 'localhost:8443' });
    assert.equal(site.upstream.last.header('host'), `127.0.0.1:${site.upstream.port}`);
    assert.equal(site.upstream.last.header('x-forwarded-host'), 'localhost:8443');
  });
  test('over a unix socket', async () => {
    assert.equal((await ask('/socketed')).status, 200);
    assert.equal(socketed.requests.length, 1);
    socketed.assertClean();
  });
  test('over TLS, with the name of its address or the one configured', async () => {
    for (const target of ['/secure', '/named']) {
      const response = await ask(target, { method: 'POST', body: randomBytes(100000) });
      assert.equal(response.status, 200, response.text);
    }
    secure.assertClean();
  });
});

describe('failures of the application: the status, the reason in the log, a word on stderr', () => {
  const malformed = [
    ['no HTTP at all', 'hello\r\n\r\n'], ['a status that is none', 'HTTP/1.1 99 X\r\n\r\n'], ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a name with a space', 'HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\nContent-Length: 0\r\n\r\nhello'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello'],
    ['length and coding', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a coding that is not known', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['a switch nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(300 * KIB)}`],
  ];
  for (const [index, [name, bytes]] of malformed.entries())
    test(`a head that is not acceptable, ${name}: 502`, async () => {
      const target = `/malformed/${index}`;
      handlers.set('/malformed', (request, socket) => { socket.write(Buffer.from(bytes, 'latin1')); });
      const response = await ask(target, { headers: { Accept: 'text/html' } });
      assert.equal(response.status, 502);
      assert.equal(response.header('cache-control'), 'no-store');
      assert.match(response.header('content-security-policy'), /default-src 'none'/);
      assert.equal((await lineOf(target)).reason, 'upstream_malformed');
      assert.equal((await ask('/after')).text, 'you asked for /after\n', 'the connection was used again');
    });

  const rows = [
    ['nobody listens', '/refused', 502, 'upstream_refused', /refused/i],
    ['silence', '/slow/silence', 504, 'upstream_timeout', /./, () => undefined],
    ['closed without an answer', '/reset', 502, 'upstream_reset', /./, (request, socket) => { socket.destroy(); }],
    ['closed amid the head', '/half', 502, 'upstream_reset', /./, (request, socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Le'); }],
    ['its certificate is of a stranger', '/foreign', 502, 'upstream_tls', /certificate/],
    ['its certificate bears another name', '/misnamed', 502, 'upstream_tls', /a\.example\.net|name|mismatch/i],
  ];
  for (const [name, target, status, reason, word, answer] of rows)
    test(`${name}: ${status} and "${reason}"`, async () => {
      if (answer)
        handlers.set(target, answer);
      const from = site.gate.stderr.length;
      const response = await ask(target, { method: 'POST', body: 'x' });
      assert.equal(response.status, status, response.text);
      assert.equal(response.header('cache-control'), 'no-store');
      const line = await lineOf(target);
      assert.deepEqual([line.status, line.reason], [status, reason]);
      const route = target.split('/')[1];
      const said = await site.gate.waitForStderr(/error/, { from });
      assert.match(said, word);
      if (!answer || route === 'slow')
        assert.match(said, new RegExp(`route=${route}\\b`));
      assert.equal(foreign.requests.length, 0);
    });

  test('all its connections are in use: 503 and "overloaded", at once', async () => {
    let release;
    handlers.set('/busy', () => new Promise((resolve) => { release = () => resolve({ body: 'done' }); }));
    const first = ask('/busy/first');
    await site.upstream.waitForRequests(1);
    const response = await ask('/busy/second');
    assert.equal(response.status, 503);
    assert.ok(response.header('retry-after'));
    assert.equal((await lineOf('/busy/second')).reason, 'overloaded');
    release();
    assert.equal((await first).text, 'done');
    handlers.clear();
    assert.equal((await ask('/busy/third')).status, 200);
  });

  const cuts = [
    ['by a close, of a length', (socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello'); }],
    ['by a close, of chunks', (socket) => { socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'); }],
    ['by a close within a chunk', (socket) => { socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n500\r\nhello'); }],
    ['by a reset', (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello', () => setTimeout(() => socket.resetAndDestroy(), 50)); }],
    ['by a chunk that is none', (socket) => { socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'); }],
    ['by silence', (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello'); }],
    ['late, in a long body', (socket) => { socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${MIB}\r\n\r\n`);
      socket.write(Buffer.alloc(MIB / 2), () => setTimeout(() => socket.destroy(), 50)); }],
  ];
  for (const listener of ['plain', 'public'])
    for (const [name, cut] of cuts)
      test(`${listener}: a body cut ${name} never looks complete`, async () => {
        const target = `/slow/cut/${listener}/${encodeURIComponent(name)}`;
        handlers.set('/slow/cut', (request, socket) => cut(socket));
        /* 502 where the cut was seen before the head went out */
        const response = await ask(target, { listener }).catch((error) => error);
        if (!(response instanceof Error))
          assert.equal(response.status, 502, 'a whole answer was made of half a one');
        const line = await lineOf(target);
        assert.match(line.reason, /^upstream_(cut|reset|malformed)$/);
      });
});

describe('clients that leave', () => {
  for (const listener of ['plain', 'public']) {
    test(`${listener}: before the answer: the call is given up`, async () => {
      const gone = new Promise((resolve) => { handlers.set('/wait', (request, socket) => { socket.on('close', resolve); socket.on('end', () => socket.destroy()); }); });
      const connection = await site.open({ listener });
      connection.write(requestBytes({ target: `/wait/${listener}` }));
      await site.upstream.waitForRequests(1);
      await connection.close();
      assert.equal(await Promise.race([gone.then(() => 'gone'), sleep(3000, 'still there')]), 'gone');
      assert.equal((await lineOf(`/wait/${listener}`)).reason, 'client_gone');
    });
    test(`${listener}: amid a download: the application is told`, async () => {
      const gone = new Promise((resolve) => {
        handlers.set('/endless', async (request, socket) => {
          socket.on('close', resolve).on('error', () => {});
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
          while (!socket.destroyed && socket.writable) {
            if (!socket.write(`10000\r\n${'x'.repeat(65536)}\r\n`))
              await Promise.race([new Promise((next) => socket.once('drain', next)), sleep(200)]);
            await sleep(1);
          }
        });
      });
      const connection = await site.open({ listener });
      connection.write(requestBytes({ target: `/endless/${listener}` }));
      await connection.until(() => connection.length > 100000, Date.now() + 5000);
      await connection.close();
      assert.equal(await Promise.race([gone.then(() => 'gone'), sleep(3000, 'still there')]), 'gone');
      assert.equal((await lineOf(`/endless/${listener}`)).reason, 'client_gone');
    });
    test(`${listener}: amid an upload: the application never gets it whole`, async () => {
      const connection = await site.open({ listener });
      connection.write(`POST /upload/${listener} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf of it`);
      await site.upstream.waitForRequests(1);
      await connection.close();
      assert.equal((await lineOf(`/upload/${listener}`)).reason, 'client_gone');
      await sleep(50);
      assert.equal(site.upstream.last.body.length, 0);
    });
  }
  test('one that says it will send no more still gets its answer', async () => {
    handlers.set('/half-closed', async () => { await sleep(100); return { body: 'all the same' }; });
    const connection = await site.open({ listener: 'plain' });
    connection.write(requestBytes({ target: '/half-closed' })).end();
    const response = await connection.read({ timeoutMs: 3000 }).catch(() => undefined);
    /* to give up is sound too, as long as the application hears of it: a half-open connection looks like a lost one */
    assert.ok(response === undefined || response.text === 'all the same');
  });
});

describe('back-pressure: the gate holds little of what the other side does not take', () => {
  const rss = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${site.gate.child.pid}/status`, 'utf8'))[1]) * KIB;
  const SIZE = 48 * MIB;
  const BOUND = 24 * MIB;  /* what the kernel's buffers of two connections may hold, and some */
  const GROWTH = 24 * MIB;  /* the address sanitizer keeps what was freed; the bound of the real binary is in limits.test.mjs */

  for (const listener of ['plain', 'public'])
    test(`${listener}: a client that does not read`, async () => {
      let written = 0;
      handlers.set('/flood', async (request, socket) => {
        const chunk = Buffer.alloc(64 * KIB, 'f');
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
        for (; written < SIZE && !socket.destroyed; written += chunk.length)
          if (!socket.write(chunk))
            await new Promise((next) => { socket.once('drain', next).once('close', next); });
      });
      const before = rss();
      const connection = await site.open({ listener });
      connection.socket.pause();
      connection.write(requestBytes({ target: '/flood' }));
      await site.upstream.waitForRequests(1);
      await sleep(700);
      assert.ok(written < BOUND, `${written} bytes were taken from the application`);
      assert.ok(rss() - before < GROWTH, `grew by ${rss() - before} bytes`);
      connection.socket.resume();
      const response = await connection.read({ timeoutMs: 20000 });
      assert.equal(response.body.length, SIZE);
      await connection.close();
    });

  for (const listener of ['plain', 'public'])
    test(`${listener}: an application that does not read`, async () => {
      let resume;
      heads.set('/swallow', (request, socket) => {
        socket.pause();
        return new Promise((resolve) => { resume = () => { socket.resume(); resolve(); }; });
      });
      handlers.set('/swallow', (request) => ({ body: String(request.body.length) }));
      const before = rss();
      const connection = await site.open({ listener });
      let written = 0;
      const sending = (async () => {
        const chunk = Buffer.alloc(64 * KIB, 'u');
        connection.write(`POST /swallow HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${SIZE}\r\n\r\n`);
        for (; written < SIZE; written += chunk.length)
          if (!connection.socket.write(chunk))
            await new Promise((next) => { connection.socket.once('drain', next).once('close', next); });
      })();
      await site.upstream.waitForRequests(1);
      await sleep(700);
      assert.ok(written < BOUND, `${written} bytes were taken from the client`);
      assert.ok(rss() - before < GROWTH, `grew by ${rss() - before} bytes`);
      resume();
      await sending;
      const response = await connection.read({ timeoutMs: 20000 });
      assert.equal(response.text, String(SIZE));
      await connection.close();
    });
});

describe('the head of an answer', () => {
  test('Set-Cookie lines stay apart and in order', async () => {
    handlers.set('/cookies', () => ({ headers: [['Set-Cookie', 'a=1; Path=/'], ['X', 'between'], ['Set-Cookie', 'b=2; HttpOnly'], ['set-cookie', 'a=3']] }));
    assert.deepEqual((await ask('/cookies')).all('set-cookie'), ['a=1; Path=/', 'b=2; HttpOnly', 'a=3']);
  });

  for (const line of ['__Host-sallyport=evil; Path=/; Secure', ' __Host-sallyport=evil', '__Host-sallyport =evil', '__Host-sallyport-login-abcdefgh=evil',
    '\t__Host-sallyport=; Max-Age=0', '__Host-sallyport; Path=/', '=__Host-sallyport=evil'])
    test(`the application cannot set the gate's own cookies: ${JSON.stringify(line)}`, async () => {
      handlers.set('/cookies', () => ({ headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', line]] }));
      assert.deepEqual((await ask('/cookies')).all('set-cookie'), ['a=1']);
    });

  test('hop-by-hop headers end here', async () => {
    handlers.set('/hop', () => ({ headers: [['Connection', 'keep-alive, X-Hop'], ['Keep-Alive', 'timeout=5'], ['X-Hop', '1'], ['Proxy-Connection', 'close'],
      ['Proxy-Authenticate', 'Basic'], ['Trailer', 'X'], ['Upgrade', 'h2c'], ['X-End', '1']] }));
    const response = await ask('/hop', { keepAlive: true });
    for (const name of ['keep-alive', 'x-hop', 'proxy-connection', 'trailer', 'upgrade'])
      assert.deepEqual(response.all(name), [], name);
    assert.equal(response.header('x-end'), '1');
  });

  test('Via: the gate adds its name, and knows itself again (508)', async () => {
    await ask('/via', { headers: { Via: '1.1 somebody (here), 1.0 else' } });
    const names = site.upstream.last.all('via');
    assert.equal(names[0], '1.1 somebody (here), 1.0 else');
    assert.match(names[1], /^1\.1 sallyport-[0-9a-f]{16}$/);
    site.upstream.forget();
    for (const via of [names[1], `1.0 first, ${names[1].toUpperCase().replace('SALLYPORT', 'Sallyport')} (comment)`]) {
      const response = await ask('/via', { headers: { Via: via } });
      assert.equal(response.status, 508);
      site.upstream.assertUntouched();
    }
    assert.equal((await ask('/via', { headers: { Via: `${names[1]}0` } })).status, 200);
  });

  test('a long head passes, a giant one is refused', async () => {
    const long = (bytes) => () => ({ headers: Array.from({ length: bytes / 1000 }, (_, i) => [`X-${i}`, 'v'.repeat(990)]) });
    handlers.set('/long', long(12000));
    assert.equal((await ask('/long')).header('x-11').length, 990);
    handlers.set('/long', long(100000));
    const response = await ask('/long/giant');
    assert.equal(response.status, 502);
    assert.equal((await lineOf('/long/giant')).reason, 'upstream_malformed');
  });

  test('a header without a value stays one', async () => {
    handlers.set('/empty', () => ({ headers: { 'X-Empty': '' } }));
    const response = await ask('/empty', { headers: { 'X-Empty-Too': '' } });
    assert.deepEqual(site.upstream.last.all('x-empty-too'), ['']);
    assert.equal(response.header('x-empty'), '');
  });

  test('values are passed on as they are', async () => {
    handlers.set('/values', () => ({ headers: { 'X-Latin': 'caf\xe9', 'X-Comma': 'a, "b, c"', Date: 'Mon, 01 Jan 2024 00:00:00 GMT', Server: 'theirs' } }));
    const response = await ask('/values');
    assert.equal(response.header('x-latin'), 'caf\xe9');
    assert.equal(response.header('x-comma'), 'a, "b, c"');
    assert.equal(response.header('date'), 'Mon, 01 Jan 2024 00:00:00 GMT');
    assert.equal(response.header('server'), 'theirs');
  });
});
