/*
 * The gate under test: a configuration folder, the real binary, its logs. A test
 * says what matters to it; ports, folders and the waiting are done here. When it
 * stops it must exit 0, without a sanitizer's report and without a secret in
 * anything it wrote: every test of the suite is also a test of that.
 *
 *   const gate = await startGate({
 *     name: 'wiki',
 *     config: { listeners: [{ name: 'public', address: '127.0.0.1:0' }], routes: [...], ... },
 *     policies: { staff: { policy: 'staff', rules: [...] } },
 *     files: { 'secrets/corp': 'canary' },
 *   });
 *   t.after(() => gate.stop());
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from './client.mjs';
import { usualCerts } from './certs.mjs';
import { assertNoSecrets, registerSecret } from './secrets.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/* A relative SALLYPORT_BIN is relative to where the test was started. */
export const defaultBin = path.resolve(process.env.SALLYPORT_BIN ?? path.join(root, 'build/debug/sallyport'));

const sanitizers = {
  ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'halt_on_error=1:exitcode=99:print_stacktrace=1',
  TSAN_OPTIONS: 'exitcode=99',
};
const SANITIZER_REPORT = /ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/* Distinct ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  })));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/* Runs the binary to its end: { code, signal, stdout, stderr }. The code 99 is a sanitizer's. */
export function runGate(args, { bin = defaultBin, cwd, env = {}, input = '', timeoutMs = 30000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, args, { cwd, env: { ...process.env, ...sanitizers, ...env }, timeout: timeoutMs });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
    child.stdin.on('error', () => {}).end(input);
  });
}

/*
 * Writes a configuration folder: { dir, file, config }. Objects are written as JSON, a string is taken
 * as it is, so that a test can write a file that is wrong. Everything is for its owner alone.
 *
 *   config    sallyport.json
 *   policies  { name: content } -> policies/<name>.json
 *   files     { 'relative/path': content, or { content, mode } }
 */
export function writeConfig({ name = 'gate', dir = newFolder(name), config, policies = {}, files = {} }) {
  const write = (file, content, mode = 0o600) => {
    const target = path.join(dir, file);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(target, content, { mode });
    chmodSync(target, mode);
  };
  const json = (value) => (typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`);
  for (const [file, value] of Object.entries(files)) {
    const { content, mode } = typeof value === 'string' || Buffer.isBuffer(value) ? { content: value } : value;
    write(file, content, mode);
    if (file.startsWith('secrets/'))
      registerSecret('secret file', String(content).trim());
  }
  for (const [policy, value] of Object.entries(policies))
    write(`policies/${policy}.json`, json(value));
  mkdirSync(path.join(dir, 'policies'), { recursive: true, mode: 0o700 });
  if (config !== undefined)
    write('sallyport.json', json(config));
  return { dir, file: path.join(dir, 'sallyport.json'), config };
}

function newFolder(name) {
  const parent = path.join(root, 'build/e2e');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(path.join(parent, `${name}-`));
}

/* What every test would say: a state folder, an admin address, the access log on stdout, the policies folder. */
async function complete(config) {
  const whole = {
    admin: { address: '127.0.0.1:0' }, policies: 'policies', log: { access: { to: 'stdout' } }, ...config,
    server: { workers: 1, state_directory: 'state', ...config.server },
  };
  const open = [...whole.listeners, whole.admin].filter(({ address }) => address.endsWith(':0'));
  const ports = await freePorts(open.length);
  const addressed = (entry) => ({
    ...entry,
    ...(entry.address.endsWith(':0') && { address: entry.address.replace(/:0$/, `:${ports.pop()}`) }),
  });
  return { ...whole, listeners: whole.listeners.map(addressed), admin: addressed(whole.admin) };
}

class Gate {
  constructor(child, { dir, file, config }) {
    Object.assign(this, { child, dir, file, config, stdout: '', stderr: '' });
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => { this[name] += text; });
    running.add(child);
    this.exited.then(() => running.delete(child));
  }

  get isRunning() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  #listener(name) {
    const listener = this.config.listeners.find((one) => one.name === name);
    if (!listener)
      throw new Error(`the configuration has no listener "${name}"`);
    return { tls: listener.tls, port: Number(/:(\d+)$/.exec(listener.address)[1]) };
  }

  /* The origin of a listener, as a URL of this host. */
  origin(listener = this.config.listeners[0].name, host = 'localhost') {
    const { tls, port } = this.#listener(listener);
    return `${tls ? 'https' : 'http'}://${host}:${port}`;
  }

  /* What Connection.open() and request() need to reach a listener; the usual CA is trusted. */
  endpoint(listener = this.config.listeners[0].name, options = {}) {
    const { tls, port } = this.#listener(listener);
    return { port, ...(tls && { tls: { ca: usualCerts().serverCa.cert, servername: 'localhost', ...options } }) };
  }

  /* GET on the admin address. */
  admin(target, options = {}) {
    return request({ port: Number(/:(\d+)$/.exec(this.config.admin.address)[1]), target, ...options });
  }

  /* The access log so far, one object a line. */
  accessLog() {
    return this.#lines().filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  /* Lines on stdout that are not of the access log. */
  strayLines() {
    return this.#lines().filter((line) => !line.startsWith('{'));
  }

  #lines() {
    return this.stdout.split('\n').slice(0, -1);  /* the last is not finished */
  }

  /* The first line of the access log that fits, waited for. */
  async logLine(predicate, { timeoutMs = 5000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const line = this.accessLog().find(predicate);
      if (line)
        return line;
      if (Date.now() > deadline || !this.isRunning)
        throw new Error(`no such line in the access log, whose last are\n${this.#lines().slice(-5).join('\n')}`);
      await sleep(5);
    }
  }

  /* Waits for something on stderr, from a position on; resolves with what came since. */
  async waitForStderr(pattern, { from = 0, timeoutMs = 5000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    while (!pattern.test(this.stderr.slice(from))) {
      if (Date.now() > deadline || !this.isRunning)
        throw new Error(`nothing like ${pattern} on stderr:\n${this.stderr.slice(from)}`);
      await sleep(5);
    }
    return this.stderr.slice(from);
  }

  /*
   * Writes what is given over the folder, sends SIGHUP and waits until the gate has said on stderr what
   * came of it; resolves with that text. A config given here keeps the ports of the first one.
   */
  async reload({ config, policies, files, until = /reload/i, timeoutMs = 5000 } = {}) {
    const from = this.stderr.length;
    if (config !== undefined && typeof config !== 'string')
      config = this.config = { ...this.config, ...config };
    writeConfig({ dir: this.dir, config, policies, files });
    this.child.kill('SIGHUP');
    return this.waitForStderr(until, { from, timeoutMs });
  }

  /* Everything it wrote: stdout, stderr, and the log files of its folder. */
  output() {
    const logs = Object.values(this.config.log ?? {}).map(({ to }) => to)
      .filter((to) => typeof to === 'string' && existsSync(path.join(this.dir, to)) && to !== '')
      .map((to) => readFileSync(path.join(this.dir, to), 'utf8'));
    return [this.stdout, this.stderr, ...logs].join('\n');
  }

  /* Asks it to finish, within ten seconds, and judges how it did. */
  async stop({ timeoutMs = 10000 } = {}) {
    if (this.isRunning)
      this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const { code, signal } = await this.exited;
    clearTimeout(timer);
    if (SANITIZER_REPORT.test(this.stderr) || code !== 0)
      throw new Error(`the gate ended with ${signal ?? code}, its folder is ${this.dir}\n${this.stderr.slice(-8000)}`);
    assertNoSecrets(this.output(), 'what the gate wrote');
    rmSync(this.dir, { recursive: true, force: true });
  }

  /* Ends it as a crash or a power cut would; the folder stays for a restart with startGate({ dir }). */
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/*
 * Writes the folder, starts the binary and waits until /readyz says 200.
 *
 *   config       as in writeConfig(); an address that ends in ":0" gets a free port
 *   dir          an existing folder, to start again where another gate stopped
 *   env, args    more of the environment and of the command line
 */
export async function startGate({
  name, dir, config, policies, files, bin = defaultBin, env = {}, args = [], timeoutMs = 15000,
}) {
  const folder = writeConfig({ name, dir, config: await complete(config), policies, files });
  const child = spawn(bin, ['run', '--config', folder.file, ...args], {
    cwd: folder.dir, env: { ...process.env, ...sanitizers, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = await new Promise((resolve) => child.once('spawn', () => resolve(true)).once('error', resolve));
  if (started !== true)
    throw new Error(`${bin} cannot be started: ${started.message}`);
  const gate = new Gate(child, folder);
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const ready = await gate.admin('/readyz', { timeoutMs: 1000 }).catch(() => undefined);
    if (ready?.status === 200)
      return gate;
    if (!gate.isRunning || Date.now() > deadline) {
      const why = gate.isRunning ? `was not ready in ${timeoutMs} ms`
        : `ended with ${child.signalCode ?? child.exitCode}`;
      await gate.kill();
      throw new Error(`the gate ${why}, its folder is ${gate.dir}\n${gate.stderr}`);
    }
    await sleep(25);
  }
}
