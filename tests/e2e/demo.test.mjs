/*
 * The demo keeps its promises: what its terminal says is read off it and done,
 * with the commands as they stand there, and nothing is left when it ends.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Browser } from '../support/browser.mjs';
import { defaultBin, freePorts } from '../support/gate.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 20000;

/* The demo as somebody at a terminal starts it: in a process group of its own, which Ctrl-C reaches as a whole. */
class Demo {
  constructor(env) {
    this.text = '';
    this.child = spawn(process.execPath, ['demo/run.mjs'], {
      cwd: root, env: { ...process.env, SALLYPORT_BIN: defaultBin, ...env }, detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (text) => { this.text += text; });
    this.exited = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })));
  }

  async says(pattern, timeoutMs = START_MS) {
    for (const deadline = Date.now() + timeoutMs; !pattern.test(this.text); await sleep(20))
      if (Date.now() > deadline || this.child.exitCode !== null)
        throw new Error(`the demo does not say ${pattern}:\n${this.text}`);
    return pattern.exec(this.text);
  }

  /* It and all that it started. */
  get family() {
    const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      try {
        return [[Number(pid), Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))[1])]];
      } catch {
        return [];  /* ended meanwhile */
      }
    });
    return [this.child.pid, ...parents.filter(([, parent]) => parent === this.child.pid).map(([pid]) => pid)];
  }

  interrupt() {
    if (this.child.exitCode === null && this.child.signalCode === null)
      process.kill(-this.child.pid, 'SIGINT');
    return this.exited;
  }
}

const isOpen = (port) => new Promise((resolve) => {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

/* A line of the terminal, as the shell takes it; resolves with the status that came. */
const shell = (line) => new Promise((resolve, reject) => {
  const env = { ...process.env, NO_PROXY: '*', no_proxy: '*' };
  const command = `${line} --silent --show-error --output /dev/null --write-out '%{http_code}'`;
  execFile('sh', ['-c', command], { cwd: root, env, timeout: 10000 }, (error, stdout, stderr) =>
    (error ? reject(new Error(`${line}: ${stderr || error.message}`)) : resolve(Number(stdout))));
});

let demo, dir, ports, origin, ca;
before(async () => {
  dir = mkdtempSync(path.join(root, 'build/demo-test-'));
  ports = await freePorts(4);
  const [gate, admin, provider, app] = ports.map(String);
  demo = new Demo({
    SALLYPORT_DEMO_PORT: gate, SALLYPORT_DEMO_ADMIN_PORT: admin, SALLYPORT_DEMO_PROVIDER_PORT: provider,
    SALLYPORT_DEMO_APP_PORT: app, SALLYPORT_DEMO_DIR: dir,
  });
  await demo.says(/Requests:\n/);
  [, origin] = /Open (https:\S+?)\/\n/.exec(demo.text);
  ca = readFileSync(path.resolve(root, /trust (\S+)\.\n/.exec(demo.text)[1]), 'utf8');
});
after(async () => {
  await demo?.interrupt();
  rmSync(dir, { recursive: true, force: true });
});

const at = (place) => `${origin}${place}`;
const browser = () => new Browser({ ca });

async function signIn(as, place = '/') {
  const person = browser();
  return { person, page: await person.login(at(place), { as }) };
}

async function assertAnswers(person, rows) {
  for (const [method, place, status] of rows) {
    const page = method === 'POST' ? await person.post(at(place)) : await person.get(at(place), { follow: false });
    assert.equal(page.status, status, `${method} ${place}`);
  }
}

describe('the demo', () => {
  test('says where to go', () => {
    assert.equal(origin, `https://localhost:${ports[0]}`);
    for (const name of ['Ada, engineer', 'Cory, contractor', 'Aud, auditor'])
      assert.ok(demo.text.includes(name), demo.text);
  });

  test('every command that it prints does what it says', async () => {
    const lines = demo.text.split('\n').map((line) => line.trim());
    const commands = lines.flatMap((line, i) => (line.startsWith('curl ') ? [[line, lines[i + 1]]] : []));
    assert.equal(commands.length, 5);
    for (const [command, promise] of commands)
      assert.equal(await shell(command), Number(/^(\d{3}):/.exec(promise)?.[1] ?? 200), `${command}\n${promise}`);
  });

  test('Ada reads and writes everything', async () => {
    const { person, page } = await signIn('ada', '/wiki?x=1');
    assert.deepEqual([page.status, page.url.href], [200, at('/wiki?x=1')]);
    assert.match(page.text, /You are <strong>ada<\/strong>/);
    assert.match(page.text, /Verified: signed by the gate, for the route "app"/);
    await assertAnswers(person, [['GET', '/', 200], ['GET', '/reports', 200], ['GET', '/drafts', 200],
      ['GET', '/headers', 200], ['POST', '/wiki', 200], ['POST', '/drafts', 200]]);
    const { headers } = (await person.get(at('/headers'))).json;
    assert.deepEqual(['user', 'email', 'groups'].map((name) => headers[`x-forwarded-${name}`]),
      ['user-ada-5f0c2a', 'ada@example.com', 'eng']);
  });

  test('and signs in with her security key for /admin', async () => {
    const { person } = await signIn('ada');
    const asked = await person.get(at('/admin'));
    assert.equal(asked.url.port, String(ports[2]), 'the provider asks');
    assert.match(asked.text, /a fresh or stronger sign-in/);
    assert.ok(asked.text.indexOf('ada/strong') < asked.text.indexOf('value="ada"'), 'and offers the key first');
    const page = await person.submit(asked, { auto: 'ada/strong' });
    assert.deepEqual([page.status, page.url.href], [200, at('/admin')], page.text);
    assert.match(page.text, /for the route "admin"/);
    assert.equal((await person.get(at('/admin'), { follow: false })).status, 200, 'once');
  });

  test('Cory is refused, told where to go, and can become somebody else', async () => {
    const { person, page } = await signIn('cory');
    assert.equal(page.status, 403);
    assert.match(page.text, /Contractors use the partner portal\./);
    const left = await person.submit(page);
    assert.deepEqual([left.status, left.url.pathname], [200, '/.sallyport/logout'], left.text);
    const again = await person.login(at('/'), { as: 'ada' });
    assert.match(again.text, /You are <strong>ada<\/strong>/);
  });

  test('Aud reads what there is to audit, and writes nothing', async () => {
    const { person, page } = await signIn('aud');
    assert.equal(page.status, 200);
    await assertAnswers(person, [['GET', '/reports', 200], ['GET', '/wiki', 200], ['GET', '/headers', 200],
      ['GET', '/drafts', 403], ['GET', '/reports-secret', 403], ['POST', '/wiki', 403], ['POST', '/', 403],
      ['GET', '/admin', 403]]);
    assert.match((await person.get(at('/admin'))).text, /Only engineers administer this\./);
  });

  test('every link on the front page leads somewhere', async () => {
    const { person, page } = await signIn('ada');
    const links = [...page.text.matchAll(/<a href="(\/[^"]*)"/g)].map(([, link]) => link);
    assert.ok(links.length >= 8, page.text);
    const expected = { '/admin': 302, '/api/deploy': 401 };
    await assertAnswers(person, links.map((link) => ['GET', link, expected[link] ?? 200]));
  });

  test('requests appear on the terminal as they happen, and nothing secret with them', async () => {
    const { person } = await signIn('ada', '/wiki/a-page-to-be-seen');
    await demo.says(/^[\d:]{8} {2}200 {2}GET {2}\/wiki\/a-page-to-be-seen {2}user-ada-5f0c2a {2}allow .* served$/m);
    const session = person.jar.get('__Host-sallyport').value;
    const files = ['access.jsonl', 'state/decisions.jsonl'].map((file) => readFileSync(path.join(dir, file), 'utf8'));
    const secret = readFileSync(path.join(dir, 'secrets/demo-provider'), 'utf8');
    for (const text of [demo.text, ...files])
      assert.ok(!text.includes(session) && !text.includes(secret));
  });

  test('a changed policy, with the signal that it tells', async () => {
    const [, command] = /after a change: (kill -HUP \d+)/.exec(demo.text);
    const file = path.join(path.resolve(root, /^Policies: (\S+);/m.exec(demo.text)[1]), 'public.json');
    const before = readFileSync(file, 'utf8');
    for (const [text, status] of [[before.replaceAll('"effect": "allow"', '"effect": "deny"')
      .replaceAll('"expect": "allow"', '"expect": "deny"'), 403], [before, 200]]) {
      writeFileSync(file, text);
      const from = demo.text.length;
      await promisify(execFile)('sh', ['-c', command]);
      for (const end = Date.now() + 5000; !/reloaded|refused/.test(demo.text.slice(from)) && Date.now() < end;)
        await sleep(20);
      await sleep(50);
      assert.equal((await browser().get(at('/public'))).status, status, demo.text.slice(from));
    }
  });

  test('a second one on the same ports says so in a sentence', async () => {
    const other = new Demo({
      SALLYPORT_DEMO_PORT: String(ports[0]), SALLYPORT_DEMO_ADMIN_PORT: String(ports[1]),
      SALLYPORT_DEMO_PROVIDER_PORT: String(ports[2]), SALLYPORT_DEMO_APP_PORT: String(ports[3]),
      SALLYPORT_DEMO_DIR: path.join(dir, 'other'),
    });
    assert.deepEqual(await other.exited, { code: 1, signal: null });
    assert.match(other.text, /^Port \d+ is taken: .*SALLYPORT_DEMO_\w+.*\n$/);
    assert.ok(!existsSync(path.join(dir, 'other')));
  });

  test('without a binary as well', async () => {
    const other = new Demo({ SALLYPORT_BIN: '/nonexistent/sallyport' });
    assert.deepEqual(await other.exited, { code: 1, signal: null });
    assert.match(other.text, /^There is no gate at [^\n]*\n$/);
  });

  test('ends on Ctrl-C, and leaves nothing behind', async () => {
    const { family } = demo;
    assert.equal(family.length, 3, 'itself with the provider, the gate, the application');
    const begin = Date.now();
    assert.deepEqual(await demo.interrupt(), { code: 0, signal: null }, demo.text.slice(-2000));
    assert.ok(Date.now() - begin < 8000);
    const left = () => family.filter((pid) => existsSync(`/proc/${pid}`));
    for (const deadline = Date.now() + 2000; left().length > 0 && Date.now() < deadline;)
      await sleep(20);	/* the system may take a moment to forget one that has ended */
    assert.deepEqual(left(), [], 'processes that are still there');
    for (const port of ports)
      assert.equal(await isOpen(port), false, `port ${port}`);
    assert.doesNotMatch(demo.text, /Sanitizer|runtime error|Error:|\n\s+at /);
  });
});
