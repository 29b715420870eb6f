/*
 * The demo: certificates, an OpenID provider, an application and the gate in
 * front of it, all on this machine, until Ctrl-C.
 *
 *   SALLYPORT_BIN                 the gate's binary (build/sallyport)
 *   SALLYPORT_DEMO_PORT           where the gate listens (8443)
 *   SALLYPORT_DEMO_ADMIN_PORT     its admin address (9901)
 *   SALLYPORT_DEMO_PROVIDER_PORT  the provider (9090)
 *   SALLYPORT_DEMO_APP_PORT       the application (9091)
 *   SALLYPORT_DEMO_DIR            the folder it all lives in (build/demo)
 *
 * demo/sallyport.json is the configuration as it is used; only ports that the
 * environment changes are written anew. The folder is made afresh on each run,
 * but for the certificates, so that a browser needs to be told about them once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync, cpSync, createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeCa } from '../tests/support/certs.mjs';
import { startProvider } from '../tests/support/provider/provider.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = path.resolve(here, '..');
const dir = path.resolve(process.env.SALLYPORT_DEMO_DIR ?? path.join(root, 'build/demo'));
const bin = path.resolve(process.env.SALLYPORT_BIN ?? path.join(root, 'build/sallyport'));
const START_MS = 15_000;
const STOP_MS = 10_000;

/* What ends the demo with one plain sentence. */
class Trouble extends Error {}

const ports = {
  gate: portOf('SALLYPORT_DEMO_PORT', 8443), admin: portOf('SALLYPORT_DEMO_ADMIN_PORT', 9901),
  provider: portOf('SALLYPORT_DEMO_PROVIDER_PORT', 9090), app: portOf('SALLYPORT_DEMO_APP_PORT', 9091),
};

function portOf(name, usual) {
  const text = process.env[name] ?? String(usual);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return { name, port };
}

async function checkPorts() {
  for (const { name, port } of Object.values(ports)) {
    if (port < 1 || port > 65535)
      throw new Trouble(`${name} is not a port.`);
    const code = await new Promise((resolve) => {
      const server = net.createServer().once('error', (error) => resolve(error.code));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve('')));
    });
    if (code === 'EADDRINUSE')
      throw new Trouble(`Port ${port} is taken: stop what uses it, or set ${name} to another one.`);
    if (code)
      throw new Trouble(`Port ${port} cannot be used (${code}): set ${name} to another one.`);
  }
}

/* A CA, the site's certificate and the deploy-bot's, unless those of an earlier run last another day. */
function makeCertificates(tls) {
  const endsIn = (seconds, file) => spawnSync('openssl', ['x509', '-checkend', String(seconds), '-noout', '-in', file]);
  const lasts = (name) => existsSync(path.join(tls, `${name}.key`))
    && endsIn(86400, path.join(tls, `${name}.pem`)).status === 0;
  if (['ca', 'localhost', 'deploy-bot'].every(lasts))
    return;
  rmSync(tls, { recursive: true, force: true });
  try {
    const ca = makeCa({ dir: tls, name: 'ca', subject: '/O=Sallyport demo/CN=Sallyport demo CA' });
    ca.issueServer({ name: 'localhost', subject: '/O=Sallyport demo/CN=localhost', names: ['localhost', '127.0.0.1'] });
    ca.issueClient({
      name: 'deploy-bot', subject: '/O=Sallyport demo/CN=deploy-bot', san: ['URI:spiffe://demo.sallyport/deploy-bot'],
    });
  } catch (error) {
    throw new Trouble(`The certificates cannot be made: ${error.message}.`);
  }
}

/* The folder the gate runs on; resolves with what else needs to be known of it. */
function prepare() {
  const inside = (...parts) => path.join(dir, ...parts);
  for (const name of ['state', 'secrets', 'policies', 'sallyport.json', 'access.jsonl'])
    rmSync(inside(name), { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  makeCertificates(inside('tls'));
  cpSync(path.join(here, 'policies'), inside('policies'), { recursive: true });
  mkdirSync(inside('secrets'), { mode: 0o700 });
  const clientSecret = randomBytes(32).toString('base64url');
  writeFileSync(inside('secrets/demo-provider'), clientSecret, { mode: 0o600 });

  let text = readFileSync(path.join(here, 'sallyport.json'), 'utf8');
  for (const [usual, { port }] of [[8443, ports.gate], [9901, ports.admin], [9090, ports.provider], [9091, ports.app]])
    text = text.replaceAll(`127.0.0.1:${usual}"`, `127.0.0.1:${port}"`);
  writeFileSync(inside('sallyport.json'), text, { mode: 0o600 });
  return { config: inside('sallyport.json'), ca: inside('tls/ca.pem'), clientSecret };
}

const children = new Map();  /* name -> process */
let stopping = false;

function start(name, command, args, options) {
  const child = spawn(command, args, options);
  children.set(name, child);
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  child.ended.then(() => children.delete(name));
  return child;
}

async function stopAll() {
  stopping = true;
  await Promise.all([...children.values()].map((child) => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    return child.ended.then(() => clearTimeout(timer));
  }));
}

/* Whatever the way out, no child stays behind. */
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function isReady() {
  return new Promise((resolve) => {
    const where = { host: '127.0.0.1', port: ports.admin.port, path: '/readyz', timeout: 1000, agent: false };
    const request = http.get(where, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false));
  });
}

async function untilReady(gate) {
  const ended = gate.ended.then((how) => { throw new Trouble(`The gate ${how} before it was ready.`); });
  const ready = (async () => {
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50))
      if (await isReady())
        return;
    throw new Trouble(`The gate was not ready within ${START_MS / 1000} seconds.`);
  })();
  await Promise.race([ready, ended]);
}

const isListening = (port) => new Promise((resolve) => {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false)).on('connect', () => socket.destroy());
});

/* The application has a process of its own, which may be up later than the gate. */
async function untilListening(port) {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50))
    if (await isListening(port))
      return;
  throw new Trouble(`The demo application did not listen on port ${port} within ${START_MS / 1000} seconds.`);
}

/* The access log: whole in a file, in short on the terminal. */
function followLog(stream) {
  const file = createWriteStream(path.join(dir, 'access.jsonl'), { mode: 0o600 });
  createInterface({ input: stream }).on('line', (line) => {
    file.write(`${line}\n`);
    try {
      const { time, status, method, request_uri: uri, user, decision, rule, reason } = JSON.parse(line);
      const brief = [String(time).slice(11, 19), status, method, uri, user || '-', decision, rule, reason];
      console.log(brief.filter(Boolean).join('  '));
    } catch {
      console.log(line);
    }
  });
}

function welcome({ ca }) {
  const bold = (text) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[1m${text}\x1b[0m` : text);
  const origin = `https://localhost:${ports.gate.port}`;
  const near = (file) => path.relative(process.cwd(), file) || '.';
  const curl = `curl --cacert ${near(ca)}`;
  const bot = near(path.join(dir, 'tls/deploy-bot'));
  const cert = `--cert ${bot}.pem --key ${bot}.key`;
  console.log(`
${bold('Sallyport is running. Open')} ${bold(`${origin}/`)}
Its certificate is signed by a CA made for this demo: let the browser go on, or trust ${near(ca)}.

  Ada, engineer     reads and writes everything; for /admin she signs in with her security key
  Cory, contractor  is refused, and told where to go instead
  Aud, auditor      reads /, /reports, /wiki and /headers, and writes nothing

Without a browser:
  ${curl} -i ${origin}/reports
      401: nobody is signed in, and curl is not sent to a login page
  ${curl} ${origin}/public
      200: a public page, without an identity
  ${curl} ${cert} -X POST ${origin}/api/deploy
      200: the deploy-bot, known by its client certificate
  ${curl} -i -X POST ${origin}/api/deploy
      401: no certificate
  curl http://127.0.0.1:${ports.admin.port}/metrics
      for the operator

Policies: ${near(path.join(dir, 'policies'))}; after a change: kill -HUP ${children.get('gate').pid}
Ctrl-C ends it. Requests:
`);
}

async function main() {
  if (!existsSync(bin))
    throw new Trouble(`There is no gate at ${path.relative(process.cwd(), bin)}: build it first.`);
  await checkPorts();
  const { config, ca, clientSecret } = prepare();
  const origin = `https://localhost:${ports.gate.port}`;

  /* It asks each time, so that one can become somebody else by signing out. */
  const knobs = { authorize: { remember: false } };
  await startProvider({ port: ports.provider.port, knobs, clients: [{
    client_id: 'sallyport-demo', client_secret: clientSecret, name: 'the Sallyport demo',
    redirect_uris: [`${origin}/.sallyport/callback`],
    post_logout_redirect_uris: [`${origin}/`, `${origin}/.sallyport/logout`],
  }] });
  const app = start('app', process.execPath, [
    path.join(here, 'app.mjs'), '--port', String(ports.app.port), '--issuer', origin,
    '--jwks', `${origin}/.sallyport/jwks.json`, '--ca', ca,
  ], { stdio: ['pipe', 'ignore', 'inherit'] });
  const gate = start('gate', bin, ['run', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  followLog(gate.stdout);
  await untilReady(gate);
  await untilListening(ports.app.port);
  welcome({ ca });

  const how = await Promise.race([
    gate.ended.then((end) => `The gate ${end}.`), app.ended.then((end) => `The demo application ${end}.`),
  ]);
  if (!stopping)
    throw new Trouble(how);
}

async function finish(code) {
  if (!stopping)
    await stopAll();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => finish(0));

main().catch((error) => {
  if (stopping)
    return undefined;  /* ended on request, in the middle of starting */
  console.error(error instanceof Trouble ? error.message : error);
  return finish(1);
});
