/*
 * The usual site: a provider, an application and the gate in front of it, with
 * TLS as people meet it. A test names what differs and gets all three, along with
 * browsers that trust the certificate.
 *
 *   const site = await startSite({ name: 'login', policies: { staff: {...} } });
 *   after(() => site.stop());
 *   const page = await site.browser().login(`${site.origin}/wiki`, { as: 'ada' });
 */
import { Browser } from './browser.mjs';
import { usualCerts } from './certs.mjs';
import { Connection, request } from './client.mjs';
import { startGate } from './gate.mjs';
import { startProvider } from './provider/provider.mjs';
import { assertNoSecrets, registerSecret } from './secrets.mjs';
import { startUpstream } from './upstream.mjs';

/* An id and a secret that Basic carries only when they are form-encoded first. */
export const client = { client_id: 'the gate:1', client_secret: 'sécret + 100% : of it & more', name: 'The tests' };

export const anyone = { policy: 'anyone', rules: [{ id: 'anyone', effect: 'allow', when: { path: '/**' } }] };

export const staff = {
  policy: 'staff',
  rules: [
    { id: 'no-contractors', effect: 'deny', when: { claim: 'groups', has: 'contractors' },
      message: 'Contractors use the partner portal.' },
    { id: 'engineers', effect: 'allow', when: { claim: 'groups', has: 'eng' } },
  ],
};

/* A route in short: { path, hosts, methods, policy, upstream, ...more }. */
export function route(name, { hosts = ['localhost'], path = '/', methods = ['session'], provider = 'corp',
  policy = 'staff', upstream = 'app', ...more } = {}) {
  const needsProvider = methods.includes('session') || methods.includes('bearer');
  return {
    name, match: { hosts, path }, authenticate: { methods, ...(needsProvider && { provider }) }, policy, upstream, ...more,
  };
}

export const publicRoute = (name, more = {}) => route(name, { methods: ['none'], policy: 'anyone', ...more });

/* The files of the usual server certificate, and how a listener names them. */
export const tlsFiles = () => ({
  'tls/site.pem': usualCerts().server.cert, 'tls/site.key': usualCerts().server.key,
  'tls/clients-ca.pem': usualCerts().clientCa.cert,
});
export const certificate = { chain: 'tls/site.pem', key: 'tls/site.key' };

export const tlsListener = (more = {}) =>
  ({ name: 'public', address: '127.0.0.1:0', tls: { certificates: [certificate] }, ...more });
export const plainListener = (more = {}) => ({ name: 'plain', address: '127.0.0.1:0', ...more });

export const providerConfig = (issuer, more = {}) => ({
  name: 'corp', type: 'oidc', issuer, client_id: client.client_id, client_secret: { file: 'secrets/corp' },
  scopes: ['openid', 'profile', 'email', 'groups'], ...more,
});

class Site {
  constructor(parts) {
    Object.assign(this, parts);
  }

  get origin() {
    return this.gate.origin();
  }

  browser(options = {}) {
    return new Browser({ ca: usualCerts().serverCa.cert, ...options });
  }

  /* A signed-in browser, on the page it asked for. */
  async signedIn(as = 'ada', place = '/') {
    const browser = this.browser();
    const page = await browser.login(`${this.origin}${place}`, { as });
    if (page.status !== 200)
      throw new Error(`${as} cannot sign in: ${page.status} ${page.text}\n${this.gate.stderr.slice(-2000)}`);
    return browser;
  }

  /* One request without a browser. The first argument may name a listener. */
  request(options = {}) {
    const { listener, ...rest } = options;
    return request({ ...this.gate.endpoint(listener), ...rest });
  }

  open(options = {}) {
    const { listener, ...rest } = options;
    return Connection.open({ ...this.gate.endpoint(listener), ...rest });
  }

  /* Ends the gate and starts it anew on the same folder and ports; SIGKILL is what a power cut would do. */
  async restart(signal = 'SIGTERM') {
    const { gate } = this;
    gate.child.kill(signal);
    const { code } = await gate.exited;
    if (signal === 'SIGTERM' && code !== 0)
      throw new Error(`the gate ended with ${code}\n${gate.stderr.slice(-4000)}`);
    assertNoSecrets(gate.output(), 'what the gate wrote');
    this.gate = await startGate({ ...this.gateOptions, dir: gate.dir, config: gate.config });
  }

  async stop() {
    try {
      await this.gate.stop();
    } finally {
      await this.provider?.close();
      await this.upstream.close();
    }
  }
}

/*
 * Starts the three; resolves with { gate, provider, upstream, origin, browser(), signedIn(), request(), open(), stop() }.
 *
 *   knobs      of the provider's "default" case; null for no provider at all
 *   identity   more of its entry in the configuration, or (issuer) => entries
 *   upstream   options of startUpstream()
 *   routes     as route() makes them; by default the whole of localhost for the staff
 *   upstreams  (url) => more of them, the url being that of the application
 *   listeners, policies, files, config, and what else startGate() takes
 */
export async function startSite({
  name = 'site', knobs = {}, users, identity = {}, upstream: upstreamOptions, upstreamConfig = {}, upstreams = () => [],
  routes = [route('app')], listeners = [tlsListener()], policies = {}, files = {}, config = {}, ...gateOptions
} = {}) {
  const upstream = await startUpstream(upstreamOptions);
  const provider = knobs === null ? undefined
    : await startProvider({ knobs, onSecret: registerSecret, ...(users && { users }) });
  const entries = !provider ? [] : typeof identity === 'function' ? identity(provider)
    : [providerConfig(provider.origin, identity)];
  const used = new Set(routes.map(({ policy }) => policy));
  const known = Object.fromEntries(Object.entries({ anyone, staff, ...policies }).filter(([one]) => used.has(one)));
  try {
    const gate = await startGate({
      name, ...gateOptions,
      config: {
        listeners, identity_providers: entries, routes,
        upstreams: [{ name: 'app', servers: [{ url: upstream.url }], ...upstreamConfig }, ...upstreams(upstream.url)],
        log: { access: { to: 'stdout' }, decisions: { to: 'decisions.jsonl' }, level: 'debug' },
        ...config,
      },
      policies: known,
      files: { ...tlsFiles(), ...(provider && { 'secrets/corp': client.client_secret }), ...files },
    });
    const redirects = gate.config.listeners.map((one) => `${gate.origin(one.name)}/.sallyport/callback`);
    provider?.register({ ...client, redirect_uris: redirects });
    return new Site({ gate, provider, upstream, gateOptions: { name, ...gateOptions } });
  } catch (error) {
    await provider?.close();
    await upstream.close();
    throw error;
  }
}

/* A refusal as a client must see it: the status, nothing to keep in a cache, and the application knows nothing of it. */
export function assertRefused(response, status, upstream) {
  if (response?.status !== status)
    throw new Error(`expected ${status}, got ${response?.status}: ${response?.text.slice(0, 400)}`);
  if (response.header('cache-control') !== 'no-store')
    throw new Error(`a ${status} with Cache-Control: ${response.header('cache-control')}`);
  upstream.assertUntouched();
}
