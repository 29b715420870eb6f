/*
 * What the gate bears: gigabytes in little memory, many logins at once, clients
 * that are silent, slow or too many. It is measured on the release binary, since
 * a sanitizer's memory and speed say nothing.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { usualCerts } from '../support/certs.mjs';
import { requestBytes } from '../support/client.mjs';
import { plainListener, publicRoute, route, startSite, tlsListener } from '../support/site.mjs';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const PEAK_MAX = 64 * MIB;

assert.ok(process.env.SALLYPORT_RELEASE_BIN, 'SALLYPORT_RELEASE_BIN names the release binary');
const bin = path.resolve(process.env.SALLYPORT_RELEASE_BIN);

const proc = (gate, file) => readFileSync(`/proc/${gate.child.pid}/${file}`, 'utf8');
const peakOf = (gate) => Number(/^VmHWM:\s+(\d+) kB$/m.exec(proc(gate, 'status'))[1]) * 1024;
const threadsOf = (gate) => Number(/^Threads:\s+(\d+)$/m.exec(proc(gate, 'status'))[1]);

/* Seconds of processor time so far; the kernel counts it in hundredths. */
function cpuOf(gate) {
  const fields = proc(gate, 'stat').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const listeners = () => [tlsListener(), plainListener()];

/* Bytes that differ from one MiB to the next, made on demand. */
function* generated(total) {
  const block = Buffer.alloc(MIB, 'sally port ');
  for (let at = 0; at < total; at += MIB) {
    block.writeBigUInt64LE(BigInt(at), at % 4096);
    yield Buffer.from(block);
  }
}

async function hashOf(stream) {
  const hash = createHash('sha256');
  let length = 0;
  await pipeline(stream, new Writable({ write: (chunk, _, done) => {
    length += chunk.length;
    hash.update(chunk);
    done();
  } }));
  return `${length} ${hash.digest('hex')}`;
}

describe('a gigabyte passes, in little memory', () => {
  let site, app, expected;
  before(async () => {
    app = http.createServer(async (request, response) => {
      if (request.method !== 'GET') {
        response.end(await hashOf(request));
        return;
      }
      response.writeHead(200, request.url === '/chunked' ? {} : { 'content-length': GIB });
      await pipeline(Readable.from(generated(GIB)), response);
    });
    await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
    site = await startSite({
      name: 'big', bin, knobs: null, listeners: listeners(), config: { server: { workers: 2 } },
      upstreams: () => [{ name: 'big', servers: [{ url: `http://127.0.0.1:${app.address().port}` }] }],
      routes: [publicRoute('big', { upstream: 'big' })],
    });
    expected = await hashOf(Readable.from(generated(GIB)));
  });
  after(async () => {
    app?.closeAllConnections();
    app?.close();
    await site?.stop();
  });

  /* One request through the gate; resolves with the response, a stream. */
  function send(listener, target, { method = 'GET', headers = {}, body } = {}) {
    const { request } = listener === 'public' ? https : http;
    const options = { method, headers, agent: false, ca: usualCerts().serverCa.cert };
    return new Promise((resolve, reject) => {
      const call = request(`${site.gate.origin(listener)}${target}`, options, resolve).on('error', reject);
      if (body)
        pipeline(body, call).catch(reject);
      else
        call.end();
    });
  }

  for (const [listener, target] of [['public', '/'], ['plain', '/chunked']])
    test(`down, ${listener}: ${target}`, async () => {
      const response = await send(listener, target);
      assert.equal(response.statusCode, 200);
      assert.equal(await hashOf(response), expected);
      assert.ok(peakOf(site.gate) < PEAK_MAX, `${peakOf(site.gate) / MIB} MiB`);
    });

  for (const [listener, headers] of [['public', {}], ['plain', { 'content-length': GIB }]])
    test(`up, ${listener}${headers['content-length'] ? '' : ', chunked'}`, async () => {
      const response = await send(listener, '/', { method: 'POST', headers, body: Readable.from(generated(GIB)) });
      assert.equal(response.statusCode, 200);
      assert.equal((await response.toArray()).join(''), expected);
      assert.ok(peakOf(site.gate) < PEAK_MAX, `${peakOf(site.gate) / MIB} MiB`);
    });
});

describe('many at once', () => {
  test('200 logins succeed, each its own', async (t) => {
    const site = await startSite({ name: 'logins', bin, listeners: listeners(), config: { server: { workers: 2 } } });
    t.after(() => site.stop());
    const begin = Date.now();
    const people = ['ada', 'ada/strong'];
    const pages = await Promise.all(Array.from({ length: 200 }, async (_, i) => {
      const browser = site.browser();
      const page = await browser.login(`${site.origin}/page/${i}`, { as: people[i % 2] });
      return { page, session: browser.jar.get('__Host-sallyport')?.value };
    }));
    const took = Date.now() - begin;
    pages.forEach(({ page }, i) => assert.deepEqual([page.status, page.url.pathname], [200, `/page/${i}`], page.text));
    assert.equal(new Set(pages.map(({ session }) => session)).size, 200);
    assert.equal(site.upstream.requests.length, 200);
    assert.ok(took < 30000, `${took} ms`);
    assert.match((await site.gate.admin('/metrics')).text, /^sallyport_sessions 200$/m);
  });
});

describe('deadlines', () => {
  const SECOND = 1000;
  const timeouts = { handshake: '1s', head: '1s', body: '1s', idle: '2s' };
  let site;
  before(async () => {
    site = await startSite({
      name: 'deadlines', bin, knobs: null, routes: [publicRoute('open')],
      listeners: listeners().map((one) => ({ ...one, timeouts })),
      upstream: { handler: ({ target }) => ({ body: target === '/large' ? Buffer.alloc(64 * MIB) : 'small' }) },
    });
  });
  after(() => site?.stop());

  /* A client that misbehaves: resolves with how long the gate put up with it, in ms since it began. */
  async function untilClosed(connection, begin, misbehave = () => {}) {
    const timer = setInterval(() => {
      if (!connection.socket.destroyed && connection.socket.writable)
        misbehave(Date.now() - begin);
    }, 100);
    const closed = await connection.isClosed({ timeoutMs: 8 * SECOND });
    const took = Date.now() - begin;
    clearInterval(timer);
    await connection.close();
    assert.ok(closed, `still there after ${took} ms`);
    return took;
  }

  const rawTls = () => site.open({ tls: undefined, port: site.gate.endpoint('public').port });
  const hello = Buffer.from('16030100c8010000c40303', 'hex');
  const dripHead = (connection) => {
    const head = Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(500)}`);
    let at = 0;
    return () => connection.write(head.subarray(at, ++at));
  };
  const post = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
  const begun = async (listener, text) => (await site.open({ listener })).write(text);

  /* [name, begin(listener) => connection, what it does each 100 ms, the least and the most it may last] */
  const clients = [
    ['says nothing', (listener) => site.open({ listener }), () => () => {}, 0.8, 3.5],
    ['drips its head', (listener) => site.open({ listener }), dripHead, 0.8, 3],
    ['drips header after header', (listener) => begun(listener, 'GET / HTTP/1.1\r\nHost: localhost\r\n'),
      (connection) => () => connection.write('X: y\r\n'), 0.8, 3],
    ['drips its body', (listener) => begun(listener, `${post}Content-Length: 1000000\r\n\r\n`),
      (connection) => () => connection.write('z'), 0.8, 5],
    ['drips a chunked body', (listener) => begun(listener, `${post}Transfer-Encoding: chunked\r\n\r\n`),
      (connection) => () => connection.write('1\r\nz\r\n'), 0.8, 5],
    ['stops amid its body', (listener) => begun(listener, `${post}Content-Length: 1000000\r\n\r\nabc`),
      () => () => {}, 0.8, 3],
    ['is idle after an answer', async (listener) => {
      const connection = await begun(listener, requestBytes({}));
      assert.equal((await connection.read()).status, 200);
      return connection;
    }, () => () => {}, 1.8, 4],
  ];

  /* Reads nothing at all; that it was cut shows in the log, as a client that does not read sees nothing. */
  async function stalled(listener) {
    const target = `/large?${listener}`;
    const connection = await site.open({ listener });
    connection.socket.pause();
    connection.write(requestBytes({ target: '/large', headers: { 'User-Agent': target } }));
    const line = await site.gate.logLine((one) => one.user_agent === target, { timeoutMs: 8 * SECOND });
    await connection.close();
    assert.equal(line.reason, 'client_timeout');
    assert.ok(line.request_time > 0.8 && line.request_time < 4, `${line.request_time} s`);
    assert.ok(line.bytes_sent < 16 * MIB, String(line.bytes_sent));
  }

  const trials = ['plain', 'public'].flatMap((listener) => [
    ...clients.map(([name, begin, habit, least, most]) => [`${listener}: ${name}`, async () => {
      const since = Date.now();
      const connection = await begin(listener);
      const took = await untilClosed(connection, since, habit(connection));
      assert.ok(took >= least * SECOND && took <= most * SECOND, `closed after ${took} ms`);
    }]),
    [`${listener}: does not read`, () => stalled(listener)],
  ]);
  for (const [name, drip] of [['begins no handshake', 0], ['drips its handshake', 1]])
    trials.push([`public: ${name}`, async () => {
      const since = Date.now();
      const connection = await rawTls();
      let at = 0;
      const took = await untilClosed(connection, since, () => connection.write(hello.subarray(at, at += drip)));
      assert.ok(took >= 0.8 * SECOND && took <= 3 * SECOND, `closed after ${took} ms`);
    }]);

  let outcomes, cpu;
  before(async () => {
    const begin = cpuOf(site.gate);
    const results = await Promise.allSettled(trials.map(([, trial]) => trial()));
    cpu = cpuOf(site.gate) - begin;
    outcomes = new Map(results.map((result, i) => [trials[i][0], result]));
  });
  for (const [name] of trials)
    test(name, () => {
      const { status, reason } = outcomes.get(name);
      if (status === 'rejected')
        throw reason;
    });

  test('all of this costs the gate next to nothing', () => {
    assert.ok(cpu < 0.5, `${cpu} s of processor time`);
  });

  test('and waiting costs it nothing at all', async () => {
    const opened = Array.from({ length: 50 }, (_, i) => site.open({ listener: ['plain', 'public'][i % 2] }));
    const silent = await Promise.all(opened);
    await sleep(200);
    const begin = cpuOf(site.gate);
    await sleep(600);
    const spent = cpuOf(site.gate) - begin;
    await Promise.all(silent.map((connection) => connection.close()));
    assert.ok(spent <= 0.05, `${spent} s of processor time in 0.6 s`);
  });

  test('each is a line in the log, and the gate serves on', async () => {
    const reasons = site.gate.accessLog().map(({ reason }) => reason);
    assert.ok(reasons.filter((reason) => reason === 'client_timeout').length >= 8, reasons.join());
    assert.equal((await site.request({ target: '/' })).status, 200);
    assert.equal(site.gate.stderr.includes('error'), false, site.gate.stderr);
  });
});

describe('max_connections', () => {
  for (const listener of ['plain', 'public'])
    test(`${listener}: who comes after that waits, and the admin address answers`, async (t) => {
      const MAX = 10;
      const site = await startSite({
        name: 'full', bin, knobs: null, routes: [publicRoute('open')], listeners: listeners(),
        config: { server: { workers: 1, max_connections: MAX } },
      });
      const { port } = site.gate.endpoint(listener);
      const sockets = Array.from({ length: MAX + 6 }, () => net.connect({ port, host: '127.0.0.1' }));
      t.after(() => {
        sockets.forEach((socket) => socket.destroy());
        return site.stop();
      });
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      const threads = threadsOf(site.gate);
      await site.gate.waitForStderr(/max_connections/);
      await sleep(100);
      for (const target of ['/healthz', '/readyz', '/metrics'])
        assert.equal((await site.gate.admin(target, { timeoutMs: 2000 })).status, 200);
      const open = countOpen(site.gate, port);
      assert.equal(open, MAX, 'connections that the gate holds');
      const late = site.request({ listener, target: '/late', timeoutMs: 8000 });
      assert.equal(await Promise.race([late, sleep(500, 'waits')]), 'waits');
      sockets.splice(0, 8).forEach((socket) => socket.destroy());
      assert.equal((await late).status, 200, 'once there is room');
      assert.equal(threadsOf(site.gate), threads);
    });
});

/* The sockets that a process has open. */
function inodesOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];  /* closed meanwhile */
    }
  });
}

/* Established connections of this port that the process has a descriptor of. */
function countOpen(gate, port) {
  const mine = new Set(inodesOf(gate.child.pid));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return proc(gate, 'net/tcp').split('\n').slice(1, -1).map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state, , , , , , inode]) => local.endsWith(`:${hex}`) && state === '01' && mine.has(inode))
    .length;
}
