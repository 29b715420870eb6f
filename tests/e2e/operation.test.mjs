/*
 * Running the gate: what the admin address tells, how it starts and refuses to,
 * how it ends without cutting anybody off, and how it takes a new configuration
 * under load, or keeps the old one when the new one is wrong.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { usualCerts } from '../support/certs.mjs';
import { requestBytes } from '../support/client.mjs';
import { freePorts, runGate, startGate, writeConfig } from '../support/gate.mjs';
import {
  anyone, plainListener, publicRoute, route, staff, startSite, tlsFiles, tlsListener,
} from '../support/site.mjs';

process.umask(0);  /* that files are for their owner alone is the gate's doing */

const denyAll = { policy: 'anyone', rules: [{ id: 'nobody', effect: 'deny', when: { path: '/**' } }] };
const failing = { ...anyone, tests: [{ name: 'wrong', request: { method: 'GET', path: '/' }, expect: 'deny' }] };
const portOf = (entry) => Number(/:(\d+)$/.exec(entry.address)[1]);

/* Is anybody listening there? */
const isOpen = (port) => new Promise((resolve) => {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

/* Prometheus text (exposition format 0.0.4), strictly: { 'name{labels}': value }. */
function parseMetrics(text) {
  assert.ok(text.endsWith('\n'));
  const samples = {};
  const types = {};
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (kind === 'TYPE') {
      assert.ok(!(name in types), `the type of ${name} comes twice`);
      assert.match(rest, /^(counter|gauge|histogram|summary)$/);
      types[name] = rest;
    }
    if (kind)
      continue;
    const sample = /^(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="[^"\\\n]*",?)*\})?) (-?\d+(\.\d+)?(e[+-]\d+)?)$/.exec(line);
    assert.ok(sample, `not a sample: ${line}`);
    assert.ok(sample[2] in types, `${sample[2]} has no type before it`);
    assert.ok(!(sample[1] in samples), `${sample[1]} comes twice`);
    assert.ok(types[sample[2]] !== 'counter' || sample[2].endsWith('_total'), sample[2]);
    samples[sample[1]] = Number(sample[5]);
  }
  return samples;
}

/* What the application does with a path: held answers go on when their release() is called. */
const held = [];
const handler = (request, socket) => {
  if (!request.target.startsWith('/held'))
    return { body: `you asked for ${request.target}\n` };
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst');
  held.push({ target: request.target, release: () => socket.write(' last') });
  return undefined;
};

const start = (more = {}) => startSite({
  name: 'operation', upstream: { handler }, listeners: [tlsListener(), plainListener()],
  routes: [publicRoute('open'), route('staff', { path: '/staff' })], ...more,
});

describe('the admin address', () => {
  let site;
  before(async () => {
    site = await start();
  });
  after(() => site?.stop());
  beforeEach(() => site.upstream.forget());
  const metrics = async () => parseMetrics((await site.gate.admin('/metrics')).text);

  for (const target of ['/healthz', '/readyz', '/metrics'])
    for (const method of ['GET', 'HEAD'])
      test(`${method} ${target}`, async () => {
        const response = await site.gate.admin(target, { method });
        assert.equal(response.status, 200);
        assert.match(response.header('content-type'), /^text\/plain; (version=0\.0\.4; )?charset=utf-8$/);
        assert.equal(response.header('cache-control'), 'no-store');
        assert.equal(response.body.length > 0, method === 'GET');
      });

  for (const [name, head] of [
    ['HTTP/1.0 without a Host', 'GET /healthz HTTP/1.0\r\n\r\n'],
    ['HTTP/1.0 with keep-alive', 'GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
    ['any Host', 'GET /healthz HTTP/1.1\r\nHost: whatever.example:1\r\nConnection: close\r\n\r\n'],
  ])
    test(`a probe speaks ${name}`, async () => {
      assert.equal((await site.gate.admin('/healthz', { bytes: Buffer.from(head) })).status, 200);
    });

  for (const target of ['/', '/healthz/', '/healthz/x', '/Healthz', '/metrics/..%2f', '/.sallyport/whoami', '/staff',
    '/.sallyport/jwks.json', '/.sallyport/login?rd=/', '/.sallyport/static/style.css', 'http://localhost/'])
    test(`nothing else is there: ${target}`, async () => {
      const { status } = await site.gate.admin(target);
      assert.ok([400, 404].includes(status), String(status));
      site.upstream.assertUntouched();
    });

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    test(`nothing is to be ${method}ed`, async () => {
      assert.equal((await site.gate.admin('/healthz', { method })).status, 405);
    });

  for (const listener of ['public', 'plain'])
    for (const target of ['/healthz', '/readyz', '/metrics'])
      test(`${target} is not on the listener "${listener}"`, async () => {
        const { status, text } = await site.request({ listener, target, host: 'unknown.example.com' });
        assert.equal(status, 404);
        assert.doesNotMatch(text, /sallyport_|^ok$|^ready$/m);
        assert.equal((await site.request({ listener, target })).text, `you asked for ${target}\n`);
      });

  test('the metrics count what happens, each thing once', async () => {
    const first = await metrics();
    for (let i = 0; i < 5; i++)
      assert.equal((await site.request({ target: '/five' })).status, 200);
    for (let i = 0; i < 3; i++)
      assert.equal((await site.request({ host: 'unknown.example.com' })).status, 404);
    await site.signedIn('ada', '/staff');
    const second = await metrics();
    const grown = (name) => second[name] - first[name];
    assert.equal(grown('sallyport_exchanges_by_reason_total{reason="served"}'), 6);
    assert.equal(grown('sallyport_exchanges_by_reason_total{reason="no_route"}'), 3);
    assert.equal(grown('sallyport_exchanges_by_reason_total{reason="login_started"}'), 1);
    assert.equal(grown('sallyport_exchanges_by_reason_total{reason="login_done"}'), 1);
    assert.equal(grown('sallyport_exchanges_by_reason_total{reason="own_page"}'), 1, 'the first reading itself');
    assert.equal(grown('sallyport_http_responses_total{class="3xx"}'), 2);
    assert.equal(grown('sallyport_http_responses_total{class="4xx"}'), 3);
    assert.equal(grown('sallyport_http_responses_total{class="2xx"}'), 7);
    assert.equal(grown('sallyport_http_requests_total'), 12);
    assert.equal(grown('sallyport_sessions'), 1);
    const sum = (prefix) => Object.entries(second).filter(([name]) => name.startsWith(prefix))
      .reduce((total, [, value]) => total + value, 0);
    for (const family of ['sallyport_http_responses_total', 'sallyport_exchanges_by_reason_total'])
      assert.equal(sum(family), second.sallyport_http_requests_total, family);
    assert.ok(Math.abs(second.sallyport_start_time_seconds - Date.now() / 1000) < 60);
  });
});

describe('ending', () => {
  /* A site with responses under way on connections of their own. */
  async function underWay(t, count, config = {}) {
    held.length = 0;
    const site = await start({ config });
    t.after(() => site.stop());
    const connections = [];
    for (let i = 0; i < count; i++) {
      const connection = await site.open({ listener: i % 2 ? 'plain' : 'public' });
      connection.write(requestBytes({ target: `/held/${i}` }));
      connections.push(connection);
    }
    await site.upstream.waitForRequests(count);
    return { site, connections };
  }
  const releaseOf = (number) => held.find(({ target }) => target === `/held/${number}`).release();

  test('lets responses under way complete, takes nobody new, and is not ready meanwhile', async (t) => {
    const { site, connections: [first, second] } = await underWay(t, 2);
    const { gate } = site;
    const idle = await site.open();
    idle.write(requestBytes({ target: '/once' }));
    assert.equal((await idle.read()).status, 200);
    gate.child.kill('SIGTERM');
    assert.ok(await idle.isClosed(), 'nobody waits for what is idle');
    assert.equal((await gate.admin('/readyz')).status, 503);
    assert.equal((await gate.admin('/healthz')).status, 200);
    for (const listener of gate.config.listeners)
      assert.equal(await isOpen(portOf(listener)), false, listener.name);
    for (const [number, connection] of [first, second].entries()) {
      assert.equal(gate.isRunning, true);
      releaseOf(number);
      const response = await connection.read();
      assert.deepEqual([response.status, response.text], [200, 'first last']);
      assert.ok(await connection.isClosed());
    }
    assert.deepEqual(await gate.exited, { code: 0, signal: null });
    assert.deepEqual(gate.accessLog().filter(({ request_uri: uri }) => uri.startsWith('/held'))
      .map(({ status, reason }) => [status, reason]), [[200, 'served'], [200, 'served']]);
  });

  test('with several workers the admin address answers until the last of them is done', async (t) => {
    const { site, connections } = await underWay(t, 12, { server: { workers: 4 } });
    site.gate.child.kill('SIGTERM');
    await site.gate.waitForStderr(/draining/);
    for (const [number, connection] of connections.entries()) {
      await sleep(120);
      assert.equal((await site.gate.admin('/readyz').catch(() => undefined))?.status, 503,
        `${connections.length - number} responses are still under way`);
      releaseOf(number);
      assert.equal((await connection.read()).text, 'first last');
    }
    assert.deepEqual(await site.gate.exited, { code: 0, signal: null });
  });

  test('cuts what does not end within the drain timeout', async (t) => {
    const { site, connections: [connection] } = await underWay(t, 1, { server: { drain_timeout: '1s' } });
    const begin = Date.now();
    site.gate.child.kill('SIGTERM');
    await assert.rejects(connection.read());
    assert.deepEqual(await site.gate.exited, { code: 0, signal: null });
    const took = Date.now() - begin;
    assert.ok(took >= 900 && took < 4000, `${took} ms`);
    assert.match(site.gate.stderr, /1 connections? (is|are) cut/);
  });

  test('an upload under way completes as well', async (t) => {
    const site = await start();
    t.after(() => site.stop());
    const connection = await site.open();
    connection.write('POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfirst');
    await site.upstream.waitForRequests(1);
    site.gate.child.kill('SIGTERM');
    await site.gate.waitForStderr(/draining/);
    await sleep(100);
    connection.write(' last');
    assert.equal((await connection.read()).status, 200);
    assert.equal(site.upstream.last.body.toString(), 'first last');
    assert.deepEqual(await site.gate.exited, { code: 0, signal: null });
  });

  for (const signal of ['SIGTERM', 'SIGINT'])
    test(`${signal} with nothing to do ends it at once`, async (t) => {
      const site = await start();
      t.after(() => site.stop());
      const begin = Date.now();
      site.gate.child.kill(signal);
      assert.deepEqual(await site.gate.exited, { code: 0, signal: null });
      assert.ok(Date.now() - begin < 2500);
    });
});

describe('reloading', () => {
  let site;
  beforeEach(async () => {
    site = await start({ config: { log: { access: { to: 'access.jsonl' }, decisions: { to: 'decisions.jsonl' } } } });
  });
  const stopAfter = (t) => t.after(() => site.stop());
  const ask = async (connection, target) => {
    connection.write(requestBytes({ target }));
    return (await connection.read()).status;
  };

  test('a new policy decides the next request of a connection that is open', async (t) => {
    stopAfter(t);
    const connections = [await site.open(), await site.open({ listener: 'plain' })];
    for (const connection of connections)
      assert.equal(await ask(connection, '/a'), 200);
    assert.match(await site.gate.reload({ policies: { anyone: denyAll } }), /reloaded/);
    await sleep(50);
    site.upstream.forget();
    for (const connection of connections)
      assert.equal(await ask(connection, '/b'), 403);
    site.upstream.assertUntouched();
    await site.gate.reload({ policies: { anyone } });
    await sleep(50);
    for (const connection of connections) {
      assert.equal(await ask(connection, '/c'), 200);
      await connection.close();
    }
  });

  const faults = [
    ['text that is no JSON', () => ({ config: '{ "listeners": [' }), /sallyport\.json:\d+/],
    ['an unknown option', (config) => ({ config: { ...config, lisseners: [] } }), /\/lisseners/],
    ['a route to nowhere', (config) => ({ config: { ...config, routes: [publicRoute('open', { upstream: 'apq' })] } }),
      /apq.*app/s],
    ['a policy that is wrong', () => ({ policies: { anyone: { policy: 'anyone', rules: [{ id: 'x' }] } } }),
      /anyone\.json:\d+: \/rules\/0/],
    ['a policy whose test fails', () => ({ policies: { anyone: failing } }), /anyone\.json:\d+: \/tests\/0/],
    ['a certificate that is none', () => ({ files: { 'tls/site.pem': 'nothing\n' } }), /site\.pem/],
    ['the key of another certificate', () => ({ files: { 'tls/site.key': usualCerts().client.key } }),
      /site\.(key|pem)/],
    ['a key that others can read', () =>
      ({ files: { 'tls/site.key': { content: usualCerts().server.key, mode: 0o644 } } }), /site\.key/],
    ['a secret that is missing', (config) => ({ config: { ...config, identity_providers:
      [{ ...config.identity_providers[0], client_secret: { file: 'secrets/none' } }] } }), /secrets\/none/],
  ];
  for (const [name, change, cause] of faults)
    test(`${name}: named on stderr, and what runs stays; log files are opened anew all the same`, async (t) => {
      stopAfter(t);
      const { gate } = site;
      const good = gate.config;
      const connection = await site.open({ listener: 'plain' });
      assert.equal(await ask(connection, '/before'), 200);
      const logs = ['access.jsonl', 'decisions.jsonl'].map((file) => path.join(gate.dir, file));
      await sleep(150);
      logs.forEach((file) => renameSync(file, `${file}.1`));
      const said = await gate.reload({ ...change(good), until: /reload refused[^\n]*\n/ });
      assert.match(said, cause);
      assert.match(said, /reload refused.*(stays|stay)/);
      assert.doesNotMatch(said, /reloaded/);
      assert.equal(await ask(connection, '/after'), 200, 'on the same connection');
      assert.equal((await site.request({ target: '/new' })).status, 200, 'and on a new one');
      assert.equal((await site.request({ target: '/staff' })).status, 401);
      assert.equal((await gate.admin('/readyz')).status, 200);
      await sleep(150);
      for (const file of logs) {
        assert.match(readFileSync(`${file}.1`, 'utf8'), /"GET"/);
        assert.doesNotMatch(readFileSync(`${file}.1`, 'utf8'), /"\/(after|new)"/, 'the old file is left alone');
        assert.match(readFileSync(file, 'utf8'), /"\/after"/);
        assert.equal(statSync(file).mode & 0o027, 0, 'others read no log');
      }
      await connection.close();

      const policies = { anyone, staff };
      const files = { ...tlsFiles() };
      const config = JSON.stringify(good);
      assert.match(await gate.reload({ config, policies, files, until: /reloaded|refused/ }), /reloaded/);
      gate.config = good;
    });

  test('all faults are named at once', async (t) => {
    stopAfter(t);
    const good = site.gate.config;
    const said = await site.gate.reload({
      config: { ...good, routes: [publicRoute('open', { upstream: 'apq' })], servers: {} },
      policies: { anyone: failing }, until: /reload refused/,
    });
    for (const cause of [/apq/, /\/servers/, /anyone\.json/])
      assert.match(said, cause);
    site.gate.config = good;
  });

  test('a new certificate is served to new connections, and old ones go on', async (t) => {
    stopAfter(t);
    const fingerprint = (connection) => connection.socket.getPeerX509Certificate().fingerprint256;
    const open = await site.open();
    assert.equal(fingerprint(open), new X509Certificate(usualCerts().server.cert).fingerprint256);
    const other = usualCerts().serverCa.issueServer({ name: `renewed-${process.pid}`, names: ['localhost'] });
    await site.gate.reload({ files: { 'tls/site.pem': other.cert, 'tls/site.key': other.key } });
    await sleep(50);
    assert.equal(await ask(open, '/old'), 200);
    const renewed = await site.open();
    assert.equal(fingerprint(renewed), new X509Certificate(other.cert).fingerprint256);
    assert.equal(await ask(renewed, '/new'), 200);
    await Promise.all([open.close(), renewed.close()]);
  });

  test('sessions survive it, and logins that had begun as well', async (t) => {
    stopAfter(t);
    const browser = await site.signedIn('ada', '/staff');
    const stops = (url) => !url.pathname.endsWith('/callback');
    const halfway = site.browser();
    const answer = await halfway.login(`${site.origin}/staff/half?x=1`, { as: 'ada', follow: stops });
    await site.gate.reload();
    await sleep(50);
    assert.equal((await browser.get(`${site.origin}/staff`, { follow: false })).status, 200);
    const page = await halfway.get(answer.header('location'));
    assert.deepEqual([page.status, page.url.href], [200, `${site.origin}/staff/half?x=1`]);
  });

  test('a response under way ends as it began', async (t) => {
    stopAfter(t);
    held.length = 0;
    const connection = await site.open();
    connection.write(requestBytes({ target: '/held/1' }));
    await site.upstream.waitForRequests(1);
    await site.gate.reload({ policies: { anyone: denyAll } });
    held[0].release();
    assert.equal((await connection.read()).text, 'first last');
    assert.equal(await ask(connection, '/now'), 403);
    await connection.close();
  });

  test('no request fails while twenty reloads happen under load', async (t) => {
    stopAfter(t);
    const outcomes = {};
    let isOver = false;
    const note = (what) => { outcomes[what] = (outcomes[what] ?? 0) + 1; };
    const keepAlive = async (listener) => {
      const connection = await site.open({ listener });
      while (!isOver)
        note(await ask(connection, '/load').catch((error) => error.message));
      await connection.close();
    };
    const oneShot = async (listener) => {
      while (!isOver)
        note(await site.request({ listener, target: '/load' }).then(({ status }) => status, (error) => error.message));
    };
    const load = Promise.all(['public', 'plain'].flatMap((listener) =>
      [keepAlive(listener), keepAlive(listener), keepAlive(listener), oneShot(listener)]));
    for (let i = 0; i < 20; i++) {
      const rules = [{ id: `anyone-${i}`, effect: 'allow', when: { path: '/**' } }];
      const said = await site.gate.reload({ policies: { anyone: { ...anyone, rules } }, until: /reloaded|refused/ });
      assert.match(said, /reloaded/);
      await sleep(30);
    }
    isOver = true;
    await load;
    assert.deepEqual(Object.keys(outcomes), ['200'], JSON.stringify(outcomes));
    assert.ok(outcomes[200] > 200, String(outcomes[200]));
  });
});

describe('starting', () => {
  /* A folder with a configuration that works, ports included, unless something is made wrong. */
  async function folder(more = {}, { files, policies } = {}) {
    const [port, adminAt] = await freePorts(2);
    const config = {
      server: { workers: 1, state_directory: 'state' },
      listeners: [tlsListener({ address: `127.0.0.1:${port}` })], admin: { address: `127.0.0.1:${adminAt}` },
      identity_providers: [], upstreams: [{ name: 'app', servers: [{ url: 'http://127.0.0.1:9' }] }],
      routes: [publicRoute('open')], policies: 'policies', ...more,
    };
    const all = { ...tlsFiles(), ...files };
    return writeConfig({ name: 'starting', config, policies: policies ?? { anyone }, files: all });
  }
  const run = ({ file, dir }) => runGate(['run', '--config', file], { cwd: dir });

  for (const which of ['listener', 'admin'])
    test(`an address in use is a named error: ${which}`, async (t) => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      t.after(() => server.close());
      const address = `127.0.0.1:${server.address().port}`;
      const made = await folder(which === 'admin' ? { admin: { address } } : { listeners: [tlsListener({ address })] });
      const { code, stderr } = await run(made);
      assert.equal(code, 1);
      assert.ok(stderr.includes(address), stderr);
      assert.match(stderr, /in use/);
    });

  test('a second gate on the same state directory does not start, and the first goes on', async (t) => {
    const first = await startGate({ name: 'alone', config: { listeners: [plainListener()], routes: [publicRoute('open')],
      upstreams: [{ name: 'app', servers: [{ url: 'http://127.0.0.1:9' }] }] }, policies: { anyone } });
    t.after(() => first.stop());
    const made = await folder({ server: { state_directory: path.join(first.dir, 'state') } });
    const { code, stderr } = await run(made);
    assert.equal(code, 1);
    assert.match(stderr, /another sallyport uses the state directory .*state/);
    assert.equal((await first.admin('/readyz')).status, 200);
  });

  test('a bad configuration: every fault is named, and nothing is started or made', async () => {
    const made = await folder({
      listeners: [tlsListener({ address: '127.0.0.1:0x' })], lisseners: [],
      routes: [publicRoute('open', { upstream: 'apq' })],
      server: { workers: 100000, state_directory: 'state', drain_timeout: '5' },
    }, { policies: { anyone: failing } });
    const before = readdirSync(made.dir).sort();
    const { code, stdout, stderr } = await run(made);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    for (const pointer of ['/listeners/0/address', '/lisseners', '/routes/0/upstream', '/server/workers', '/tests/0',
      '/server/drain_timeout'])
      assert.match(stderr, new RegExp(`^\\S+\\.json:\\d+: ${pointer}\\b.*: \\S`, 'm'));
    assert.deepEqual(readdirSync(made.dir).sort(), before);
    assert.equal(await isOpen(portOf(made.config.admin)), false);
  });

  test('a file that is not there, and a command line that is wrong', async () => {
    const missing = await runGate(['run', '--config', '/nonexistent/sallyport.json']);
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
    assert.match(missing.stderr, /\/nonexistent\/sallyport\.json/);
    for (const args of [['run'], ['run', '--config'], ['run', '--confik', 'x'], ['serve'], []])
      assert.equal((await runGate(args)).code, 2, args.join(' '));
  });

  for (const [name, file, mode] of [['group', 'tls/site.key', 0o640], ['others', 'tls/site.key', 0o604]])
    test(`a private key that ${name} can read is refused`, async () => {
      const made = await folder();
      chmodSync(path.join(made.dir, file), mode);
      const { code, stderr } = await run(made);
      assert.equal(code, 1);
      assert.ok(stderr.includes(file), stderr);
    });

  test('what it keeps is for its owner alone, and is refused when it was not', async () => {
    const made = await folder();
    let gate = await startGate({ dir: made.dir, config: made.config });
    const modeOf = (file) => statSync(path.join(made.dir, file)).mode & 0o777;
    const kept = readdirSync(path.join(made.dir, 'state'), { recursive: true, withFileTypes: true });
    for (const entry of kept) {
      const file = path.relative(made.dir, path.join(entry.parentPath ?? entry.path, entry.name));
      assert.equal(modeOf(file), entry.isDirectory() ? 0o700 : 0o600, file);
    }
    for (const [file, mode] of [['state', 0o700], ['state/keys', 0o700], ['state/keys/master', 0o600],
      ['state/keys/assertion.pem', 0o600], ['state/sessions', 0o700]])
      assert.equal(modeOf(file), mode, file);
    await gate.kill();
    for (const file of ['state/keys/master', 'state/keys/assertion.pem'])
      for (const mode of [0o640, 0o604]) {
        chmodSync(path.join(made.dir, file), mode);
        const content = readFileSync(path.join(made.dir, file));
        const { code, stderr } = await run(made);
        assert.equal(code, 1, `${file} ${mode.toString(8)}`);
        assert.ok(stderr.includes(path.basename(file)), stderr);
        assert.deepEqual(readFileSync(path.join(made.dir, file)), content, 'and left as it was');
        chmodSync(path.join(made.dir, file), 0o600);
      }
    gate = await startGate({ dir: made.dir, config: made.config });
    await gate.stop();
  });

  test('keys that are damaged are refused, never replaced', async () => {
    for (const file of ['state/keys/master', 'state/keys/assertion.pem']) {
      const made = await folder();
      await (await startGate({ dir: made.dir, config: made.config })).kill();
      writeFileSync(path.join(made.dir, file), 'short', { mode: 0o600 });
      const { code, stderr } = await run(made);
      assert.equal(code, 1, file);
      assert.ok(stderr.includes(path.basename(file)), stderr);
      assert.equal(readFileSync(path.join(made.dir, file), 'utf8'), 'short');
    }
  });
});
