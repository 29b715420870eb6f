/*
 * Certificates for tests and the demo, made by the openssl command: a CA, server
 * certificates for several names, client certificates with a subject and
 * alternative names. P-256 keys, because they are made in no time; every key
 * file is for its owner alone, since the product refuses others.
 *
 *   const ca = makeCa({ dir, name: 'clients-ca' });
 *   const bot = ca.issueClient({ name: 'deploy-bot', san: ['URI:spiffe://example.com/deploy-bot'] });
 *   tls.connect({ cert: bot.cert, key: bot.key, ... });
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';

function openssl(args) {
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (error)
    throw new Error(`the openssl command cannot be run: ${error.message}`);
  if (status !== 0)
    throw new Error(`openssl ${args[0]} failed: ${stderr.trim().split('\n').pop()}`);
}

/* What a certificate says beside its subject, as an extension file of openssl. */
const profiles = {
  ca: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  server: 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n',
  client: 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n',
};

/* Makes <name>.key and <name>.pem in dir; signed by the issuer, or by itself when there is none. */
function makeCertificate({ dir, name, profile, subject, san = [], days = 30, issuer, extra = '' }) {
  const file = (suffix) => path.join(dir, `${name}.${suffix}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(file('cnf'), '[req]\ndistinguished_name=dn\nstring_mask=utf8only\nutf8=yes\n[dn]\n');
  writeFileSync(file('ext'), profiles[profile] + (san.length > 0 ? `subjectAltName=${san.join(',')}\n` : '') + extra);
  openssl(['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256', '-utf8',
    '-config', file('cnf'), '-subj', subject, '-keyout', file('key'), '-out', file('csr')]);
  chmodSync(file('key'), 0o600);
  if (days < 0)
    signExpired({ file, dir, days, issuer });
  else
    openssl(['x509', '-req', '-sha256', '-days', String(days), '-in', file('csr'), '-extfile', file('ext'),
      ...(issuer ? ['-CA', issuer.certFile, '-CAkey', issuer.keyFile, '-set_serial', serial()]
        : ['-signkey', file('key')]), '-out', file('pem')]);
  for (const suffix of ['cnf', 'ext', 'csr'])
    rmSync(file(suffix));
  return {
    certFile: file('pem'), keyFile: file('key'),
    cert: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8'),
  };
}

/* "x509 -req" cannot look back in every version of openssl; "ca" can, for the price of a database. */
function signExpired({ file, dir, days, issuer }) {
  const date = (offset) => `${new Date(Date.now() + offset * 86400e3).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
  writeFileSync(file('index'), '');
  writeFileSync(file('cnf'), ['[ca]', 'default_ca=one', '[one]', `database=${file('index')}`, `new_certs_dir=${dir}`,
    'rand_serial=yes', 'default_md=sha256', 'policy=any', 'unique_subject=no',
    '[any]', 'organizationName=optional', 'commonName=supplied', ''].join('\n'));
  openssl(['ca', '-batch', '-notext', '-preserveDN', '-config', file('cnf'), '-cert', issuer.certFile,
    '-keyfile', issuer.keyFile, '-startdate', date(days - 30), '-enddate', date(days), '-extfile', file('ext'),
    '-in', file('csr'), '-out', file('pem')]);
}

const serial = () => `0x${randomBytes(15).toString('hex')}`;

const nameOf = (host) => (/^[\d.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`);

/*
 * A certificate authority: { certFile, keyFile, cert, key, issueServer(), issueClient() }. What it
 * issues has the first four as well; "days" below zero makes a certificate that has expired.
 */
export function makeCa({ dir, name = 'ca', subject = `/O=Sallyport tests/CN=${name}`, days = 30 }) {
  const ca = makeCertificate({ dir, name, subject, days, profile: 'ca' });
  const issue = (profile) => ({ name: leaf, subject: of = `/O=Sallyport tests/CN=${leaf}`, ...rest }) =>
    makeCertificate({ dir, name: leaf, subject: of, issuer: ca, profile, ...rest });
  const issueServer = issue('server');
  return {
    ...ca,
    /* names: the hosts and addresses it is for */
    issueServer: ({ names, name: leaf = names[0].replace('*', 'any'), ...rest }) =>
      issueServer({ name: leaf, san: names.map(nameOf), ...rest }),
    /* san: as openssl writes them, 'URI:...', 'DNS:...', 'email:...' */
    issueClient: issue('client'),
  };
}

let made;

/* The usual set, made once per process: CAs for servers, for clients and of a stranger, and what they issued. */
export function usualCerts() {
  if (made)
    return made;
  const dir = mkdtempSync(path.join(tmpdir(), 'sallyport-certs-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  const serverCa = makeCa({ dir, name: 'server-ca' });
  const clientCa = makeCa({ dir, name: 'clients-ca' });
  const strangerCa = makeCa({ dir, name: 'stranger-ca' });
  made = {
    dir, serverCa, clientCa, strangerCa,
    server: serverCa.issueServer({ names: ['localhost', '127.0.0.1', 'example.com', '*.example.com'] }),
    client: clientCa.issueClient({
      name: 'deploy-bot', subject: '/O=Example/CN=deploy-bot',
      san: ['URI:spiffe://example.com/deploy-bot', 'DNS:deploy-bot.example.com', 'email:deploy-bot@example.com'],
    }),
    expiredClient: clientCa.issueClient({ name: 'expired-bot', days: -1 }),
    strangerClient: strangerCa.issueClient({ name: 'stranger-bot', subject: '/O=Example/CN=deploy-bot' }),
  };
  return made;
}
