/*
 * TLS at the gate: which certificate a client sees, which client certificates it
 * takes, that a service gets through with one and no browser, and that a resumed
 * session is worth no more than the handshake it would have been.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { usualCerts } from '../support/certs.mjs';
import { Connection, requestBytes } from '../support/client.mjs';
import { decodeJws, verifyJws } from '../support/provider/jose.mjs';
import { assertRefused, certificate, publicRoute, route, startSite, tlsListener } from '../support/site.mjs';

const certs = usualCerts();
const { client, clientCa, serverCa, strangerClient, expiredClient } = certs;
const fingerprint = (pem) => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

/* An RSA certificate for names, of the server CA; the usual ones are P-256. */
function issueRsa(name, names) {
  const dir = path.join(certs.dir, 'rsa');
  mkdirSync(dir, { recursive: true });
  const file = (suffix) => path.join(dir, `${name}.${suffix}`);
  writeFileSync(file('ext'), `subjectAltName=${names.map((one) => `DNS:${one}`).join()}\nextendedKeyUsage=serverAuth\n`);
  execFileSync('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('csr')], { stdio: 'pipe' });
  execFileSync('openssl', ['x509', '-req', '-days', '30', '-in', file('csr'), '-CA', serverCa.certFile, '-CAkey', serverCa.keyFile, '-set_serial', '0x7357',
    '-extfile', file('ext'), '-out', file('pem')], { stdio: 'pipe' });
  return { cert: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
}

const allow = (when) => ({ rules: [{ id: 'it', effect: 'allow', when: { client_certificate: when } }] });
const policies = {
  uri: allow({ san_uri: 'spiffe://example.com/deploy-bot' }), dns: allow({ san_dns: 'deploy-bot.example.com' }),
  email: allow({ san_email: 'deploy-bot@example.com' }), subject: allow({ subject: 'CN=deploy-bot,O=Example' }),
  issuer: allow({ issuer: 'CN=clients-ca,O=Sallyport tests' }), fingerprint: allow({ fingerprint_sha256: fingerprint(client.cert) }),
  'other-uri': allow({ san_uri: 'spiffe://example.com/other-bot' }), 'other-dns': allow({ san_dns: 'example.com' }),
  'any-bot': { rules: [
    { id: 'not-this-one', effect: 'deny', when: { client_certificate: { san_uri: 'spiffe://example.com/banned' } }, message: 'You are banned.' },
    { id: 'services', effect: 'allow', when: { authentication: { method: 'client_certificate' } } },
  ] },
};
for (const [name, policy] of Object.entries(policies))
  policy.policy = name;

const bot = (name, more) => clientCa.issueClient({ name, ...more });

let site, others;
before(async () => {
  others = {
    banned: bot('banned', { san: ['URI:spiffe://example.com/banned'] }),
    plain: bot('plain-bot', {}),
    odd: bot('odd-bot', { subject: '/O=Example/CN=bot\nX-Admin: 1' }),
    nul: bot('nul-bot', { extra: 'subjectAltName=@san\n[san]\notherName=1.2.3.4;UTF8:deploy-bot.example.com\n' }),
    server: serverCaSigned(),
  };
  const pair = (name, { cert, key }) => ({ [`tls/${name}.pem`]: cert, [`tls/${name}.key`]: key });
  const files = {
    ...pair('first', serverCa.issueServer({ name: 'first', names: ['first.example.com', 'localhost'] })),
    ...pair('exact', serverCa.issueServer({ name: 'exact', names: ['exact.example.com'] })),
    ...pair('wild', serverCa.issueServer({ name: 'wild', names: ['*.example.com'] })),
    ...pair('dual', serverCa.issueServer({ name: 'dual', names: ['dual.example.com'] })),
    ...pair('dual-rsa', issueRsa('dual-rsa', ['dual.example.com'])),
    'tls/stranger-ca.pem': certs.strangerCa.cert,
  };
  const several = ['first', 'exact', 'wild', 'dual', 'dual-rsa'].map((name) => ({ chain: `tls/${name}.pem`, key: `tls/${name}.key` }));
  const demand = (mode) => ({ certificates: [certificate], client_certificate: { mode, authorities: 'tls/clients-ca.pem' } });
  site = await startSite({
    name: 'certificates', files,
    listeners: [
      tlsListener({ name: 'optional', tls: demand('optional') }), tlsListener({ name: 'required', tls: demand('required') }),
      tlsListener({ name: 'none' }), tlsListener({ name: 'several', tls: { certificates: several } }),
      tlsListener({ name: 'modern', tls: { certificates: [certificate], min_version: '1.3' } }),
    ],
    routes: [
      publicRoute('public', { hosts: ['localhost', 'dual.example.com'] }),
      ...Object.keys(policies).map((name) => route(name, { path: `/${name}`, methods: ['client_certificate'], policy: name })),
      route('either', { path: '/either', methods: ['client_certificate', 'session'], policy: 'anyone' }),
      route('people', { path: '/people', policy: 'anyone' }),
    ],
    policies, config: { server: { workers: 2 } },
  });
});
after(() => site?.stop());
beforeEach(() => site.upstream.forget());

/* A certificate for servers, which a client may not show although the CA is right. */
function serverCaSigned() {
  return certs.clientCa.issueServer({ name: 'server-as-client', names: ['deploy-bot.example.com'] });
}

const using = (listener, { cert, key } = {}, more = {}) => {
  const { port, tls: usual } = site.gate.endpoint(listener, more);
  return { port, tls: { ...usual, ...(cert && { cert, key }) } };
};
const ask = (listener, pair, options = {}, more = {}) => site.request({ ...using(listener, pair, more), ...options });

/* The handshake, or what was to follow it, fails: no answer at all. With TLS 1.3 a client learns of it late. */
async function assertNoAnswer(listener, pair, more = {}) {
  const answer = await ask(listener, pair, { target: '/' }, more).catch((error) => error);
  assert.ok(answer === undefined || answer instanceof Error, `${answer?.status} ${answer?.text}`);
  site.upstream.assertUntouched();
}

const versions = ['TLSv1.2', 'TLSv1.3'].map((version) => ({ minVersion: version, maxVersion: version }));

describe('client certificates', () => {
  for (const version of versions) {
    const name = version.maxVersion;
    test(`${name}: a service gets through with one, and is known to the application`, async () => {
      const response = await ask('optional', client, { target: '/uri/deploy', method: 'POST', body: 'go', headers: { 'Client-Cert': ':AAAA:', 'Client_Cert': ':BBBB:' } }, version);
      assert.equal(response.status, 200, response.text);
      const { last } = site.upstream;
      assert.deepEqual(last.folded('client-cert'), [`:${new X509Certificate(client.cert).raw.toString('base64')}:`]);
      assert.equal(last.header('x-forwarded-user'), 'spiffe://example.com/deploy-bot');
      const token = last.header('x-sallyport-assertion');
      const { keys } = (await ask('none', undefined, { target: '/.sallyport/jwks.json' })).json;
      const { header, payload } = decodeJws(token);
      assert.ok(verifyJws(token, keys.find(({ kid }) => kid === header.kid), 'ES256'));
      assert.deepEqual([payload.sub, payload.aud], ['spiffe://example.com/deploy-bot', 'uri']);
      const line = await site.gate.logLine(({ request_id: id }) => id === last.header('x-request-id'));
      assert.deepEqual([line.authenticated_by, line.user, line.tls, line.provider], ['client_certificate', 'spiffe://example.com/deploy-bot', name, '']);
    });
    test(`${name}: "required" ends a handshake without one, on public routes too`, () => assertNoAnswer('required', undefined, version));
    test(`${name}: "required" with one`, async () => {
      const response = await ask('required', client, { target: '/uri' }, version);
      assert.equal(response.status, 200, response.text);
    });
    for (const listener of ['optional', 'required']) {
      test(`${name}, ${listener}: one of a foreign CA is refused`, () => assertNoAnswer(listener, strangerClient, version));
      test(`${name}, ${listener}: one that has expired is refused`, () => assertNoAnswer(listener, expiredClient, version));
      test(`${name}, ${listener}: one for servers is refused`, () => assertNoAnswer(listener, others.server, version));
      test(`${name}, ${listener}: the CA's own is refused`, () => assertNoAnswer(listener, clientCa, version));
    }
    test(`${name}: "optional" serves those without one`, async () => {
      assert.equal((await ask('optional', undefined, {}, version)).status, 200);
      assert.equal(site.upstream.last.header('client-cert'), undefined);
    });
    test(`${name}: "none" asks for none, and none counts`, async () => {
      site.upstream.forget();
      const refused = await ask('none', client, { target: '/uri' }, version);
      assertRefused(refused, 401, site.upstream);
    });
  }

  test('without one: 401 and a challenge, not a login page', async () => {
    for (const headers of [{}, { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }]) {
      const response = await ask('optional', undefined, { target: '/uri', headers });
      assertRefused(response, 401, site.upstream);
      assert.ok(response.header('www-authenticate'));
      assert.equal(response.header('location'), undefined);
    }
  });

  const rows = [
    ['uri', 200], ['dns', 200], ['email', 200], ['subject', 200], ['issuer', 200], ['fingerprint', 200], ['other-uri', 403], ['other-dns', 403], ['any-bot', 200],
  ];
  for (const [name, status] of rows)
    test(`the policy on "${name}": ${status}`, async () => {
      const response = await ask('optional', client, { target: `/${name}` });
      if (status === 403)
        assertRefused(response, 403, site.upstream);
      else
        assert.equal(response.status, 200, response.text);
    });
  for (const name of ['uri', 'dns', 'email', 'fingerprint', 'other-uri', 'subject'])
    test(`another service of the same CA is refused by "${name}"`, async () => {
      assertRefused(await ask('optional', others.plain, { target: `/${name}` }), 403, site.upstream);
    });

  test('a deny by certificate tells its message', async () => {
    const response = await ask('optional', others.banned, { target: '/any-bot' });
    assertRefused(response, 403, site.upstream);
    assert.equal(response.json.message, 'You are banned.');
  });

  test('a name with a line break makes no header', async () => {
    const response = await ask('optional', others.odd, { target: '/any-bot' });
    assert.ok([200, 400, 403].includes(response.status), String(response.status));
    assert.equal(site.upstream.last?.header('x-admin'), undefined);
    site.upstream.assertClean();
  });

  test('a name of another kind is no DNS name', async () => {
    assertRefused(await ask('optional', others.nul, { target: '/dns' }), 403, site.upstream);
  });

  test('a session does where a certificate does not come, and not the other way round', async () => {
    const response = await ask('optional', client, { target: '/either' });
    assert.equal(response.status, 200);
    site.upstream.forget();
    assertRefused(await ask('optional', client, { target: '/people' }), 401, site.upstream);
    const navigation = await ask('optional', undefined, { target: '/either', headers: { Accept: 'text/html' } });
    assert.equal(navigation.status, 302);
  });
});

describe('curl', () => {
  const curl = (...args) => new Promise((resolve) => {
    execFile('curl', ['--silent', '--show-error', '--max-time', '10', '--noproxy', '*', '--cacert', serverCa.certFile, ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
  const pair = ['--cert', client.certFile, '--key', client.keyFile];
  const format = ['--write-out', '%{http_code} %{http_version}', '--output', '/dev/null'];

  test('with a certificate gets through', async () => {
    const { code, stdout, stderr } = await curl(...pair, '--data', 'x=1', `${site.gate.origin('required')}/uri/deploy`);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, 'hello from the upstream\n');
    assert.equal(site.upstream.last.body.toString(), 'x=1');
  });
  test('without one does not', async () => {
    assert.equal((await curl(...format, `${site.gate.origin('optional')}/uri`)).stdout, '401 1.1');
    assert.notEqual((await curl(`${site.gate.origin('required')}/uri`)).code, 0);
    site.upstream.assertUntouched();
  });
  test('that could speak HTTP/2 speaks 1.1', async () => {
    assert.equal((await curl('--http2', ...format, site.gate.origin('none'))).stdout, '200 1.1');
  });
  test('several requests on one connection', async () => {
    const urls = Array.from({ length: 5 }, (_, i) => `${site.gate.origin('required')}/uri/${i}`);
    const { code, stdout } = await curl(...pair, '--write-out', '%{num_connects} ', ...urls.flatMap((url) => [url, '--output', '/dev/null']));
    assert.deepEqual([code, stdout.trim()], [0, '1 0 0 0 0']);
  });
});

describe('the certificate a client sees', () => {
  const seen = async (servername, more = {}) => {
    const { port } = using('several');
    const connection = await Connection.open({ port, tls: { ca: serverCa.cert, servername, checkServerIdentity: () => undefined, ...more } });
    const { subject, publicKey } = connection.socket.getPeerX509Certificate();
    await connection.close();
    return `${/CN=(.*)/.exec(subject)[1]} ${publicKey.asymmetricKeyType}`;
  };
  const rows = [
    ['exact.example.com', 'exact ec'], ['EXACT.Example.Com', 'exact ec'], ['other.example.com', 'wild ec'], ['Other.EXAMPLE.com', 'wild ec'],
    ['a.b.example.com', 'first ec'], ['example.com', 'first ec'], ['unknown.example.net', 'first ec'], ['localhost', 'first ec'], [undefined, 'first ec'],
    ['dual.example.com', 'dual ec'],
  ];
  for (const [servername, want] of rows)
    for (const version of versions)
      test(`${version.maxVersion} ${servername}: ${want}`, async () => assert.equal(await seen(servername, version), want));
  for (const version of versions)
    test(`${version.maxVersion}: RSA for a client that knows nothing else`, async () => {
      assert.equal(await seen('dual.example.com', { ...version, sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256' }), 'dual-rsa rsa');
    });

  for (const [servername, host, status] of [['localhost', 'localhost', 200], ['unknown.example.net', 'localhost', 200],
    ['exact.example.com', 'localhost', 421], ['dual.example.com', 'localhost', 421], ['dual.example.com', 'dual.example.com', 200],
    ['localhost', 'dual.example.com', 421], [undefined, 'dual.example.com', 200]])
    test(`a connection for ${servername}, a request for ${host}: ${status}`, async () => {
      site.upstream.forget();
      const { port } = using('several');
      const connection = await Connection.open({ port, tls: { ca: serverCa.cert, servername, checkServerIdentity: () => undefined } });
      connection.write(requestBytes({ host }));
      const response = await connection.read();
      assert.equal(response.status, status, response.text);
      await connection.close();
      if (status === 421)
        site.upstream.assertUntouched();
    });

  test('a hello in pieces of one byte', async () => {
    const { port, tls: options } = using('required', client);
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const slow = new Duplex({
      read() {},
      write(chunk, encoding, done) {
        for (const byte of chunk)
          socket.write(Buffer.from([byte]));
        done();
      },
    });
    socket.on('data', (data) => slow.push(data)).on('end', () => slow.push(null)).on('error', () => {});
    const secure = tls.connect({ socket: slow, ...options });
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    const connection = new Connection(secure);
    connection.write(requestBytes({ target: '/uri' }));
    assert.equal((await connection.read()).status, 200);
    socket.destroy();
  });
});

describe('versions and ciphers', () => {
  const connect = async (listener, more) => {
    const connection = await Connection.open(using(listener, undefined, more));
    const version = connection.socket.getProtocol();
    const { alpnProtocol } = connection.socket;
    const { name } = connection.socket.getCipher();
    await connection.close();
    return { version, alpnProtocol, name };
  };
  for (const version of versions)
    test(version.maxVersion, async () => assert.equal((await connect('none', version)).version, version.maxVersion));
  for (const version of ['TLSv1', 'TLSv1.1'])
    test(`not ${version}`, () => assert.rejects(connect('none', { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' })));
  test('not 1.2 where 1.3 is the least', async () => {
    await assert.rejects(connect('modern', versions[0]));
    assert.equal((await connect('modern', {})).version, 'TLSv1.3');
  });
  for (const cipher of ['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'DHE-RSA-AES128-GCM-SHA256', 'AECDH-AES128-SHA'])
    test(`not ${cipher}`, () => assert.rejects(connect('none', { ...versions[0], ciphers: `${cipher}:@SECLEVEL=0` })));
  for (const cipher of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
    test(cipher, async () => assert.equal((await connect('none', { ...versions[0], ciphers: cipher })).name, cipher));
  test('ALPN: http/1.1, whatever else is on offer', async () => {
    assert.equal((await connect('none', { alpn: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1');
    assert.equal((await connect('none', {})).alpnProtocol, false);
  });
  test('plain HTTP on a TLS port ends the connection, and harms nobody', async () => {
    const connection = await Connection.open({ port: using('none').port });
    connection.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.ok(await connection.isClosed());
    assert.equal((await ask('none')).status, 200);
  });
});

describe('resumption', () => {
  /* One request; also the newest session ticket, and whether this connection resumed one. */
  async function visit(listener, pair, more = {}, target = '/') {
    const connection = await Connection.open(using(listener, pair, more));
    let session = connection.socket.getSession();
    connection.socket.on('session', (one) => { session = one; });
    const resumed = connection.socket.isSessionReused();
    connection.write(requestBytes({ target }));
    const response = await connection.read().catch(() => undefined);
    await connection.close();
    return { session, resumed, status: response?.status };
  }

  /* Where the server's ticket lies in a client's session, as OpenSSL writes one: an element [10] of a SEQUENCE in DER. */
  function ticketOf(session) {
    const header = (at) => {
      const long = session[at + 1] & 0x80 ? session[at + 1] & 0x7f : 0;
      return { tag: session[at], start: at + 2 + long, length: long ? session.readUIntBE(at + 2, long) : session[at + 1] };
    };
    for (let at = header(0).start; at < session.length;) {
      const { tag, start, length } = header(at);
      if (tag === 0xaa)
        return [header(start).start, start + length];
      at = start + length;
    }
    throw new Error('the session has no ticket');
  }

  for (const version of versions) {
    test(`${version.maxVersion}: over many connections, whichever worker takes them`, async () => {
      let { session, resumed } = await visit('none', undefined, version);
      assert.equal(resumed, false);
      for (let i = 0; i < 12; i++) {
        const next = await visit('none', undefined, { ...version, session });
        assert.deepEqual([next.resumed, next.status], [true, 200], `connection ${i}`);
        session = version.maxVersion === 'TLSv1.3' ? next.session : session;
      }
    });
    test(`${version.maxVersion}: a client certificate is still known`, async () => {
      const { session } = await visit('required', client, version, '/uri');
      const again = await visit('required', client, { ...version, session }, '/uri');
      assert.equal(again.status, 200);
      const line = await site.gate.logLine(({ request_id: id }) => id === site.upstream.last.header('x-request-id'));
      assert.equal(line.user, 'spiffe://example.com/deploy-bot');
    });
    test(`${version.maxVersion}: a session without a certificate opens nothing that demands one`, async () => {
      for (const from of ['none', 'optional']) {
        const { session } = await visit(from, undefined, version);
        site.upstream.forget();
        for (const to of ['required', 'optional']) {
          const { status } = await visit(to, undefined, { ...version, session }, '/uri').catch(() => ({}));
          assert.notEqual(status, 200, `from "${from}" to "${to}"`);
        }
        site.upstream.assertUntouched();
      }
    });
    test(`${version.maxVersion}: neither does one that was changed`, async () => {
      const { session } = await visit('required', client, version, '/uri');
      site.upstream.forget();
      const [from, to] = ticketOf(session);
      for (const at of [from, from + 20, from + 40, (from + to) >> 1, to - 1]) {
        const other = Buffer.from(session);
        other[at] ^= 1;
        const { resumed, status } = await visit('required', undefined, { ...version, session: other }, '/uri').catch(() => ({}));
        assert.ok(!resumed && status !== 200, `byte ${at - from} of ${to - from}`);
      }
      site.upstream.assertUntouched();
    });
  }

  /* The last of this file: afterwards other authorities are in force. */
  test('after the authorities changed, a session made under the old ones proves nothing', async () => {
    const sessions = [];
    for (const version of versions)
      sessions.push({ version, ...await visit('optional', client, version, '/any-bot'), ...{ session: (await visit('optional', client, version, '/any-bot')).session } });
    await site.gate.reload({ files: { 'tls/clients-ca.pem': certs.strangerCa.cert }, until: /in force|stays/ });
    site.upstream.forget();
    for (const { version, session } of sessions) {
      const { status } = await visit('optional', undefined, { ...version, session }, '/any-bot').catch(() => ({}));
      assert.notEqual(status, 200, version.maxVersion);
    }
    site.upstream.assertUntouched();
    assert.equal((await ask('optional', strangerClient, { target: '/any-bot' })).status, 200, 'and those of the new ones are taken');
  });
});
