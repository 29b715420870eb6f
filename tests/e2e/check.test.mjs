/*
 * The command line: what "check" says about a configuration and its policies, that
 * "run" starts nothing on one that is at fault, and the exit statuses.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { freePorts, runGate, writeConfig } from '../support/gate.mjs';
import { usualCerts } from '../support/certs.mjs';
import { registerSecret, assertNoSecrets } from '../support/secrets.mjs';
import { certificate, tlsFiles } from '../support/site.mjs';

const folders = [];
after(() => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

const secret = registerSecret('client secret', 'a-canary-of-the-configuration');

const goodPolicy = () => ({
  policy: 'staff',
  conditions: { engineer: { claim: 'groups', has: 'eng' } },
  rules: [
    { id: 'no-contractors', effect: 'deny', when: { claim: 'groups', has: 'contractors' } },
    { id: 'engineers', effect: 'allow', when: { all: [{ condition: 'engineer' }, { path: '/wiki/**' }] } },
  ],
  tests: [
    { name: 'an engineer', identity: { groups: ['eng'] }, request: { method: 'GET', path: '/wiki/x' },
      expect: 'allow', by: 'engineers' },
  ],
});

const goodConfig = () => ({
  $schema: 'sallyport.schema.json',
  server: { workers: 1, state_directory: 'state', trusted_proxies: ['10.0.0.1'] },
  listeners: [
    { name: 'public', address: '127.0.0.1:8443', tls: { certificates: [{ ...certificate }],
      client_certificate: { mode: 'optional', authorities: 'tls/clients-ca.pem' } } },
    { name: 'plain', address: '127.0.0.1:8080', redirect_to_https: true },
  ],
  admin: { address: '127.0.0.1:9901' },
  identity_providers: [{ name: 'corp', type: 'oidc', issuer: 'https://id.example.com', client_id: 'sallyport',
    client_secret: { file: 'secrets/corp' } }],
  sessions: { lifetime: '12h', idle_timeout: '1h' },
  upstreams: [{ name: 'wiki', servers: [{ url: 'http://127.0.0.1:3000' }] }],
  routes: [{ name: 'wiki', match: { hosts: ['wiki.example.com'], path: '/' },
    authenticate: { methods: ['session', 'client_certificate'], provider: 'corp' }, policy: 'staff', upstream: 'wiki' }],
  policies: 'policies',
  log: { access: { to: 'stdout' } },
});

/* A folder with the good parts, changed by edit(config, policy, files). */
function folder(edit = () => {}) {
  const parts = {
    config: goodConfig(), policy: goodPolicy(), files: { ...tlsFiles(), 'secrets/corp': secret },
  };
  const edited = edit(parts.config, parts.policy, parts.files) ?? {};
  const written = writeConfig({ name: 'check', config: edited.config ?? parts.config,
    policies: { staff: edited.policy ?? parts.policy }, files: parts.files });
  folders.push(written.dir);
  return written;
}

const check = (dir, ...more) => runGate(['check', '--config', 'sallyport.json', ...more], { cwd: dir });

describe('a sound configuration', () => {
  test('is fine: exit 0, and a word about the policies and their tests', async () => {
    const { dir } = folder();
    const { code, stdout, stderr } = await check(dir);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout, 'sallyport.json: configuration and 1 policy are fine, 1 policy test passed\n');
    assert.equal(stderr, '');
  });
  test('checking makes nothing', async () => {
    const { dir } = folder();
    await check(dir);
    assert.deepEqual(readdirSync(dir).sort(), ['policies', 'sallyport.json', 'secrets', 'tls']);
  });
  test('paths are relative to its own folder, from wherever it is checked', async () => {
    const { dir, file } = folder();
    const { code, stdout } = await runGate(['check', '--config', file], { cwd: path.dirname(dir) });
    assert.equal(code, 0, stdout);
  });
  test('as JSON', async () => {
    const { dir } = folder();
    const { code, stdout } = await check(dir, '--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { file: 'sallyport.json', ok: true, errors: 0, warnings: 0, policies: 1,
      policy_tests: 1, faults: [] });
  });
  test('a warning is told, and is no fault', async () => {
    const { dir } = folder((config) => { config.upstreams.push({ name: 'old', servers: [{ url: 'http://127.0.0.1:1' }] }); });
    const { code, stdout } = await check(dir);
    assert.equal(code, 0);
    assert.match(stdout, /^sallyport\.json:\d+: warning: \/upstreams\/1: no route uses the upstream "old"$/m);
  });
});

/*
 * name, what is changed, the pointer of the fault, its text; and where the line is not
 * that of the pointer's last word, what stands on it.
 */
const configFaults = [
  ['an unknown key', (c) => { c.servre = {}; }, '/servre', /unknown key "servre"; did you mean "server"\?/],
  ['an unknown key deep inside', (c) => { c.listeners[0].tls.certificats = []; }, '/listeners/0/tls/certificats',
    /did you mean "certificates"\?/],
  ['a wrong type', (c) => { c.listeners[1].redirect_to_https = 'yes'; }, '/listeners/1/redirect_to_https', /true or false/],
  ['a number out of range', (c) => { c.server.workers = 0; }, '/server/workers', /./],
  ['a duration without a unit', (c) => { c.sessions.lifetime = '12'; }, '/sessions/lifetime', /unit/],
  ['a duration as a number', (c) => { c.sessions.lifetime = 12; }, '/sessions/lifetime', /./],
  ['a size without a unit', (c) => { c.routes[0].max_body = '100'; }, '/routes/0/max_body', /unit/],
  ['a word that is none of the choices', (c) => { c.listeners[0].tls.client_certificate.mode = 'requierd'; },
    '/listeners/0/tls/client_certificate/mode', /did you mean "required"\?/],
  ['a method that does not exist', (c) => { c.routes[0].authenticate.methods = ['sesion']; },
    '/routes/0/authenticate/methods/0', /did you mean "session"\?/, /sesion/],
  ['"none" beside another method', (c) => { c.routes[0].authenticate.methods = ['none', 'session']; },
    '/routes/0/authenticate/methods', /none/],
  ['an upstream that does not exist', (c) => { c.routes[0].upstream = 'wikki'; }, '/routes/0/upstream',
    /there is no upstream "wikki"; did you mean "wiki"\?/],
  ['a policy that does not exist', (c) => { c.routes[0].policy = 'stuff'; }, '/routes/0/policy',
    /there is no policy "stuff"; did you mean "staff"\?/],
  ['a provider that does not exist', (c) => { c.routes[0].authenticate.provider = 'crop'; },
    '/routes/0/authenticate/provider', /there is no identity provider "crop"; did you mean "corp"\?/],
  ['a route without a policy', (c) => { delete c.routes[0].policy; }, '/routes/0', /"policy" is missing/, /\{/],
  ['no authentication at all', (c) => { delete c.routes[0].authenticate; }, '/routes/0', /"authenticate" is missing/, /\{/],
  ['a name used twice', (c) => { c.upstreams.push(c.upstreams[0]); }, '/upstreams/1/name', /another upstream/],
  ['two routes for the same requests', (c) => { c.routes.push({ ...c.routes[0], name: 'other', match: { hosts: ['WIKI.example.com.'] } }); },
    '/routes/1/match', /matched by the route "wiki" too/],
  ['a host with a port', (c) => { c.routes[0].match.hosts = ['wiki.example.com:443']; }, '/routes/0/match/hosts/0', /./, /wiki\.example\.com:443/],
  ['a wildcard in the middle', (c) => { c.routes[0].match.hosts = ['wiki.*.com']; }, '/routes/0/match/hosts/0', /./, /wiki\.\*\.com/],
  ['a path with dot segments', (c) => { c.routes[0].match.path = '/wiki/../x'; }, '/routes/0/match/path', /./],
  ['a path that does not start with a slash', (c) => { c.routes[0].match.path = 'wiki'; }, '/routes/0/match/path', /./],
  ['a route over the reserved paths', (c) => { c.routes[0].match.path = '/.sallyport/login'; }, '/routes/0/match/path', /./],
  ['a plain listener beyond loopback', (c) => { c.listeners[1] = { name: 'plain', address: '0.0.0.0:8080' }; },
    '/listeners/1/address', /insecure/],
  ['two listeners on one address', (c) => { c.listeners[1].address = '127.0.0.1:8443'; }, '/listeners/1/address', /./],
  ['an admin address that is a listener', (c) => { c.admin.address = '127.0.0.1:8443'; }, '/admin/address', /already/],
  ['an admin address beyond loopback', (c) => { c.admin.address = '0.0.0.0:9901'; }, '/admin/address', /insecure/],
  ['an address without a port', (c) => { c.listeners[0].address = '127.0.0.1'; }, '/listeners/0/address', /port/],
  ['a redirect without a TLS listener', (c) => { c.listeners.shift(); }, '/listeners/0/redirect_to_https', /./],
  ['an issuer over http beyond loopback', (c) => { c.identity_providers[0].issuer = 'http://id.example.com'; },
    '/identity_providers/0/issuer', /insecure|https/],
  ['an upstream over http beyond loopback', (c) => { c.upstreams[0].servers[0].url = 'http://192.0.2.1:3000'; },
    '/upstreams/0/servers/0/url', /insecure|https/],
  ['an upstream with a path', (c) => { c.upstreams[0].servers[0].url = 'http://127.0.0.1:3000/base'; },
    '/upstreams/0/servers/0/url', /./],
  ['an upstream that is the gate itself', (c) => { c.upstreams[0].servers[0].url = 'https://127.0.0.1:8443'; },
    '/upstreams/0/servers/0/url', /own listener "public"/],
  ['scopes without openid', (c) => { c.identity_providers[0].scopes = ['email']; }, '/identity_providers/0/scopes', /openid/],
  ['trusted proxies that are everybody', (c) => { c.server.trusted_proxies = ['0.0.0.0/0']; }, '/server/trusted_proxies/0', /./, /0\.0\.0\.0\/0/],
  ['a network with host bits set', (c) => { c.server.trusted_proxies = ['10.0.0.1/8']; }, '/server/trusted_proxies/0', /host bits|10\.0\.0\.0\/8/, /10\.0\.0\.1\/8/],
  ['an identity header that frames the message', (c) => { c.routes[0].identity_headers = { 'Content-Length': 'sub' }; },
    '/routes/0/identity_headers/Content-Length', /./],
  ['an identity header that is no token', (c) => { c.routes[0].identity_headers = { 'Remote User': 'sub' }; },
    '/routes/0/identity_headers/Remote User', /./],
  ['client certificates without authorities', (c) => { delete c.listeners[0].tls.client_certificate.authorities; },
    '/listeners/0/tls/client_certificate', /authorities/],
  ['a secret file that is missing', (c) => { c.identity_providers[0].client_secret = { file: 'secrets/none' }; },
    '/identity_providers/0/client_secret/file', /cannot open .*secrets\/none/],
  ['a secret from an environment without it', (c) => { c.identity_providers[0].client_secret = { env: 'SALLYPORT_TEST_NOT_SET' }; },
    '/identity_providers/0/client_secret/env', /SALLYPORT_TEST_NOT_SET/],
  ['a secret of both kinds', (c) => { c.identity_providers[0].client_secret = { env: 'A', file: 'secrets/corp' }; },
    '/identity_providers/0/client_secret', /./],
  ['a secret file that others can read', (c, p, files) => { files['secrets/corp'] = { content: secret, mode: 0o644 }; },
    '/identity_providers/0/client_secret/file', /chmod 600/],
  ['a private key that others can read', (c, p, files) => { files['tls/site.key'] = { content: usualCerts().server.key, mode: 0o640 }; },
    '/listeners/0/tls/certificates/0/key', /chmod 600/],
  ['the key of another certificate', (c, p, files) => { files['tls/site.key'] = usualCerts().client.key; },
    '/listeners/0/tls/certificates/0', /not the key|does not (fit|belong|match)/i, /\{|chain|key/],
  ['a chain that is no certificate', (c, p, files) => { files['tls/site.pem'] = 'hello\n'; },
    '/listeners/0/tls/certificates/0', /certificate/, /\{|chain|key/],
  ['authorities that are none', (c, p, files) => { files['tls/clients-ca.pem'] = ''; },
    '/listeners/0/tls/client_certificate/authorities', /certificate/],
  ['a policies folder that is missing', (c) => { c.policies = 'nowhere'; }, '/policies', /no folder/],
];

/* The faults of human output: { file, line, pointer, text }. */
function faultsOf(stdout) {
  return stdout.split('\n').filter(Boolean).map((line) => {
    const [, file, number, pointer, text] = /^(.+?):(\d+): (?:(\/.*?): )?(.*)$/.exec(line) ?? assert.fail(`odd line: ${line}`);
    return { file, line: Number(number), pointer: pointer ?? '', text };
  });
}

async function expectFault(dir, file, text, pointer, want, onLine) {
  const { code, stdout, stderr } = await check(dir);
  assert.equal(code, 1, stdout + stderr);
  assertNoSecrets(stdout + stderr, 'what check said');
  const fault = faultsOf(stdout).find((one) => one.file.endsWith(file) && one.pointer === pointer && !one.text.startsWith('warning:'));
  assert.ok(fault, `no fault at ${pointer}:\n${stdout}`);
  assert.match(fault.text, want);
  const line = text.split('\n')[fault.line - 1] ?? '';
  assert.match(line, onLine ?? new RegExp(`"${pointer.split('/').pop().replace(/[$*]/g, '\\$&')}"|^\\s*[\\[{"]`),
    `line ${fault.line} is ${JSON.stringify(line)}`);
}

describe('a configuration at fault: exit 1, with file, line and pointer', () => {
  for (const [name, edit, pointer, want, onLine] of configFaults)
    test(name, async () => {
      const { dir, config } = folder(edit);
      await expectFault(dir, 'sallyport.json', `${JSON.stringify(config, null, 2)}\n`, pointer, want, onLine);
    });

  const texts = [
    ['not JSON', '{ "listeners": [ }', /^sallyport\.json:1: /m],
    ['a key given twice', (text) => text.replace('"policies":', '"policies": "policies",\n  "policies":'), /\/policies: /],
    ['a comment', (text) => text.replace('{', '{ // no'), /^sallyport\.json:1: /m],
    ['a trailing comma', (text) => text.replace(/\n\}\n$/, ',\n}\n'), /^sallyport\.json:\d+: /m],
    ['text behind the end', (text) => `${text}{}`, /^sallyport\.json:\d+: /m],
    ['an empty file', '', /^sallyport\.json:\d+: /m],
    ['a list', '[]', /must be an object/],
  ];
  for (const [name, text, want] of texts)
    test(name, async () => {
      const whole = `${JSON.stringify(goodConfig(), null, 2)}\n`;
      const { dir } = folder(() => ({ config: typeof text === 'string' ? text : text(whole) }));
      const { code, stdout } = await check(dir);
      assert.equal(code, 1, stdout);
      assert.match(stdout, want);
    });

  test('a file that is not there', async () => {
    const { code, stdout } = await runGate(['check', '--config', '/nowhere/sallyport.json']);
    assert.equal(code, 1);
    assert.match(stdout, /^\/nowhere\/sallyport\.json: .*(cannot|no such)/i);
  });

  test('a secret in place is accepted with a warning, and never printed', async () => {
    const { dir } = folder((c) => { c.identity_providers[0].client_secret = secret; });
    const { code, stdout } = await check(dir);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /warning: \/identity_providers\/0\/client_secret/);
    assertNoSecrets(stdout);
  });

  test('a secret where something else belongs is not printed either', async () => {
    for (const edit of [(c) => { c.identity_providers[0].client_secret = { file: 5, env: secret, [secret]: 1 }; },
      (c) => { c.identity_providers[0].client_secret = [secret]; }]) {
      const { dir } = folder(edit);
      const { code, stdout } = await check(dir);
      assert.equal(code, 1);
      assert.match(stdout, /client_secret/);
    }
  });

  test('all faults in one run, of policies too, in the order of the files', async () => {
    const { dir } = folder((config, policy) => {
      config.servre = {};
      config.sessions.lifetime = '12';
      config.routes[0].upstream = 'wikki';
      policy.rules[0].effect = 'forbid';
      policy.tests[0].expect = 'maybe';
    });
    const { code, stdout } = await check(dir);
    assert.equal(code, 1);
    const faults = faultsOf(stdout).filter(({ text }) => !text.startsWith('warning:'));
    const pointers = faults.map(({ pointer }) => pointer);
    for (const pointer of ['/servre', '/sessions/lifetime', '/routes/0/upstream', '/rules/0/effect', '/tests/0/expect'])
      assert.ok(pointers.includes(pointer), `${pointer} is not among\n${stdout}`);
    const lines = faults.filter(({ file }) => file === 'sallyport.json').map(({ line }) => line);
    assert.deepEqual(lines, [...lines].sort((a, b) => a - b));
  });

  test('the same as JSON', async () => {
    const { dir } = folder((config) => { config.servre = {}; });
    const { code, stdout } = await check(dir, '--json');
    assert.equal(code, 1);
    const { ok, errors, faults } = JSON.parse(stdout);
    assert.deepEqual([ok, errors, faults.length], [false, 1, 1]);
    assert.deepEqual(Object.keys(faults[0]).sort(), ['file', 'line', 'pointer', 'severity', 'text']);
    assert.equal(faults[0].pointer, '/servre');
    assert.equal(faults[0].severity, 'error');
    assert.equal(typeof faults[0].line, 'number');
  });
});

const when = (condition) => (p) => { p.rules[1].when = condition; };

const policyFaults = [
  ['an unknown key', (p) => { p.rulse = []; }, '/rulse', /did you mean "rules"\?/],
  ['an effect that is none', (p) => { p.rules[0].effect = 'alow'; }, '/rules/0/effect', /did you mean "allow"\?/],
  ['a rule id used twice', (p) => { p.rules[1].id = 'no-contractors'; }, '/rules/1/id', /used twice/],
  ['a rule without a condition', (p) => { delete p.rules[1].when; }, '/rules/1', /"when" is missing/, /\{/],
  ['an empty all', when({ all: [] }), '/rules/1/when/all', /./],
  ['an empty any', when({ any: [] }), '/rules/1/when/any', /./],
  ['two conditions in one object', when({ path: '/a', method: ['GET'] }), '/rules/1/when', /./],
  ['no condition in an object', when({}), '/rules/1/when', /./],
  ['a condition of an unknown kind', when({ pth: '/a' }), '/rules/1/when/pth', /did you mean "path"\?/],
  ['a claim without an operator', when({ claim: 'groups' }), '/rules/1/when', /./],
  ['a claim with two operators', when({ claim: 'groups', has: 'a', is: 'b' }), '/rules/1/when', /./],
  ['an operator misspelt', when({ claim: 'groups', hass: 'a' }), '/rules/1/when/hass', /did you mean "has"\?/],
  ['a named condition that does not exist', when({ condition: 'enginer' }), '/rules/1/when/condition', /did you mean "engineer"\?/],
  ['a network with host bits', when({ source_ip: ['10.1.2.3/8'] }), '/rules/1/when/source_ip/0', /host bits|10\.0\.0\.0\/8/, /10\.1\.2\.3/],
  ['a path that does not start with a slash', when({ path: 'wiki/**' }), '/rules/1/when/path', /./],
  ['a path with dot segments', when({ path: '/wiki/../x' }), '/rules/1/when/path', /./],
  ['an encoded path', when({ path: '/wiki%2fx' }), '/rules/1/when/path', /./],
  ['a lower-case method', when({ method: ['get'] }), '/rules/1/when/method/0', /./, /get/],
  ['a duration without a unit', when({ authentication: { max_age: '12' } }), '/rules/1/when/authentication/max_age', /unit/],
  ['a shadow rule without an end', (p) => { p.rules[0].mode = 'shadow'; }, '/rules/0', /until/, /\{/],
  ['a date that does not exist', (p) => { Object.assign(p.rules[0], { mode: 'shadow', until: '2027-02-30' }); }, '/rules/0/until', /./],
  ['a time zone that does not exist', when({ time: { after: '2026-01-01', zone: 'Europe/Berln' } }), '/rules/1/when/time/zone', /./],
  ['a test without a name', (p) => { delete p.tests[0].name; }, '/tests/0', /"name"/, /\{/],
  ['a test that fails', (p) => { p.tests[0].expect = 'deny'; delete p.tests[0].by; }, '/tests/0', /an engineer/, /\{|expect|name/],
  ['a test decided by another rule', (p) => { p.tests[0].by = 'no-contractors'; }, '/tests/0', /engineers/, /\{|by|name/],
  ['a test that names no rule', (p) => { p.tests[0].by = 'enginers'; }, '/tests/0/by', /did you mean "engineers"\?/],
];

describe('a policy at fault: exit 1, with file, line and pointer', () => {
  for (const [name, edit, pointer, want, onLine] of policyFaults)
    test(name, async () => {
      const policy = goodPolicy();
      edit(policy);
      const { dir } = folder(() => ({ policy }));
      await expectFault(dir, 'policies/staff.json', `${JSON.stringify(policy, null, 2)}\n`, pointer, want, onLine);
    });

  test('a file whose name is not that of its policy', async () => {
    const { dir } = folder((config, policy) => { policy.policy = 'stuff'; });
    const { code, stdout } = await check(dir);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /policies\/staff\.json|there is no policy "staff"/);
  });
});

describe('"run" on a configuration at fault', () => {
  test('exit 1, the same faults, and nothing was started', async () => {
    const [port, admin] = await freePorts(2);
    const { dir } = folder((config) => {
      config.listeners = [{ ...config.listeners[0], address: `127.0.0.1:${port}` }];
      config.admin.address = `127.0.0.1:${admin}`;
      config.servre = {};
    });
    const checked = await check(dir);
    const { code, stdout, stderr } = await runGate(['run', '--config', 'sallyport.json'], { cwd: dir });
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '', 'stdout is the access log');
    for (const line of checked.stdout.trim().split('\n'))
      assert.ok(stderr.includes(line), `${line} is missing in\n${stderr}`);
    assert.ok(!existsSync(path.join(dir, 'state')), 'the state folder was made');
  });

  test('a failing policy test is such a fault', async () => {
    const { dir } = folder((config, policy) => { policy.tests[0].expect = 'deny'; delete policy.tests[0].by; });
    const { code, stderr } = await runGate(['run', '--config', 'sallyport.json'], { cwd: dir });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /policies\/staff\.json:\d+: \/tests\/0/);
    assert.ok(!existsSync(path.join(dir, 'state')));
  });

  test('an address in use: exit 1, and it is named', async (t) => {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { port } = server.address();
    const [admin] = await freePorts(1);
    const { dir } = folder((config) => {
      config.listeners = [{ ...config.listeners[0], address: `127.0.0.1:${port}` }];
      config.admin.address = `127.0.0.1:${admin}`;
    });
    const { code, stderr } = await runGate(['run', '--config', 'sallyport.json'], { cwd: dir });
    assert.equal(code, 1, stderr);
    assert.match(stderr, new RegExp(`"public".*127\\.0\\.0\\.1:${port}.*in use`));
  });
});

describe('the command line', () => {
  const usage = [
    ['no command', []], ['an unknown command', ['serve']], ['an unknown option', ['check', '--confg', 'x']],
    ['no configuration', ['run']], ['no file behind --config', ['check', '--config']],
    ['a word too many', ['version', 'x']], ['a schema of nothing', ['schema', 'cheese']], ['no schema named', ['schema']],
  ];
  for (const [name, args] of usage)
    test(`${name}: exit 2, and how it is used on stderr`, async () => {
      const { code, stdout, stderr } = await runGate(args);
      assert.equal(code, 2, stdout + stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /usage|schema/i);
    });

  for (const args of [['--help'], ['help'], ...['run', 'check', 'schema', 'version'].map((word) => [word, '--help'])])
    test(`${args.join(' ')}: exit 0, on stdout`, async () => {
      const { code, stdout, stderr } = await runGate(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^usage: sallyport /);
    });

  test('version: product, commit, libraries and features', async () => {
    const { code, stdout } = await runGate(['version']);
    assert.equal(code, 0);
    for (const want of [/^sallyport \d+\.\d+/, /openssl\s+3\./, /libmicrohttpd\s+1\./, /libjwt\s+3\./, /features\s+.*http1/])
      assert.match(stdout, want);
    assert.equal((await runGate(['--version'])).stdout, stdout);
  });

  test('version --json', async () => {
    const { code, stdout } = await runGate(['version', '--json']);
    assert.equal(code, 0);
    const version = JSON.parse(stdout);
    assert.equal(typeof version.version, 'string');
    assert.ok(Object.keys(version).length >= 3, stdout);
  });

  for (const [word, key] of [['config', 'listeners'], ['policy', 'rules']])
    test(`schema ${word}: a JSON Schema`, async () => {
      const { code, stdout, stderr } = await runGate(['schema', word]);
      assert.equal(code, 0, stderr);
      const schema = JSON.parse(stdout);
      assert.match(schema.$schema, /json-schema\.org/);
      assert.ok(schema.properties[key], `"${key}" is not in the schema`);
      assert.equal(schema.additionalProperties, false);
    });
});
