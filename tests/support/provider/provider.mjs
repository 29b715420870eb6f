/*
 * The development OpenID provider. One process serves many issuers, each under a
 * path prefix of its own with its own keys and knobs, so that the demo can sign
 * people in and a test can meet a provider that is wrong in exactly one way.
 *
 *   const provider = await startProvider({ clients: [{ client_id, client_secret, redirect_uris: [...] }] });
 *   provider.case('bad-nonce', { idToken: { nonce: 'wrong' } });
 *   ... configure a client with provider.issuer('bad-nonce') ...
 *   assert.equal(provider.calls('bad-nonce', 'userinfo').length, 0);
 *
 * Every call is recorded before it is answered. A person chooses who to be on a
 * page; a test adds auto=ada to the authorization request, or turns that knob.
 */
import http from 'node:http';
import https from 'node:https';
import { Case } from './case.mjs';
import { answerOf, endpoints } from './endpoints.mjs';
import { honest } from './knobs.mjs';
import { indexPage, problemPage } from './page.mjs';
import { users as usualUsers } from './users.mjs';
import { detour, send } from './wire.mjs';

const BODY_MAX = 1024 * 1024;

class Provider {
  constructor({ users, clients, onSecret }) {
    this.users = users;
    this.clients = new Map();
    this.cases = new Map();
    this.recorded = [];
    this.waiters = new Set();
    this.onSecret = onSecret;
    this.origin = '';
    clients.forEach((client) => this.register(client));
  }

  /* Adds a client, or replaces the one of that client_id. */
  register(client) {
    this.clients.set(client.client_id, { redirect_uris: [], post_logout_redirect_uris: [], ...client });
    this.secret('client_secret', client.client_secret);
    return client;
  }

  /* The case of this id, made when it is new, with the given knobs turned. */
  case(id = 'default', knobs = {}) {
    if (!/^[\w-]+$/.test(id))
      throw new Error(`"${id}" cannot be a path segment`);
    if (!this.cases.has(id))
      this.cases.set(id, new Case(this, id));
    return this.cases.get(id).set(knobs);
  }

  issuer(id = 'default') {
    return this.case(id).issuer;
  }

  /* The calls so far, oldest first, of one case and one endpoint where they are named. */
  calls(id, endpoint) {
    return this.recorded.filter((call) => (!id || call.case === id) && (!endpoint || call.endpoint === endpoint));
  }

  forgetCalls() {
    this.recorded.length = 0;
  }

  /* Resolves with the calls once there are that many; fails after the time. */
  async waitForCalls(id, endpoint, { count = 1, timeoutMs = 5000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    while (this.calls(id, endpoint).length < count) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${this.calls(id, endpoint).length} of ${count} calls of ${id}/${endpoint} in ${timeoutMs} ms`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiters.add(() => { clearTimeout(timer); resolve(); });
      });
    }
    return this.calls(id, endpoint);
  }

  /* Passes a secret on to whoever watches for leaks. */
  secret(kind, value) {
    this.onSecret?.(kind, value);
    return value;
  }

  /* Splits a path into case, endpoint and what is left. */
  #find(path) {
    const [, first, ...others] = path.split('/');
    const c = first !== 'default' && this.cases.get(first);
    const below = c ? others : [first, ...others];
    const length = below[0] === '.well-known' ? 2 : 1;
    const endpoint = endpoints[below.slice(0, length).join('/')];
    const rest = below.slice(length).map((segment) => `/${segment}`).join('');
    return { c: c || this.cases.get('default'), endpoint, rest };
  }

  async serve(request, response) {
    const url = new URL(request.url, this.origin);
    const { c, endpoint, rest } = this.#find(url.pathname);
    const call = {
      time: Date.now(), case: c.id, endpoint: endpoint?.name ?? '', method: request.method, path: url.pathname, rest,
      search: url.search, query: url.searchParams, headers: request.headers, rawHeaders: request.rawHeaders,
      body: '', form: new URLSearchParams(), status: 0, error: '',
    };
    this.recorded.push(call);
    call.body = await readBody(request);
    if ((request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded'))
      call.form = new URLSearchParams(call.body);
    for (const wake of this.waiters)
      wake();
    this.waiters.clear();

    if (!endpoint || (rest && endpoint.name !== 'jwks')) {
      const page = url.pathname === '/' ? indexPage([...this.cases.values()]) : problemPage('There is nothing here.');
      call.status = url.pathname === '/' ? 200 : 404;
      return send(response, { ...page, status: call.status }, honest);
    }
    const knobs = c.knobs[endpoint.name];
    const answer = detour(call, knobs) ?? answerOf(endpoint, c, call);
    call.status = knobs.status || answer.status || 200;
    call.error = answer.error ?? '';
    return send(response, answer, knobs);
  }
}

async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_MAX)
      throw new Error('the request body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/*
 * Listens, and resolves with the provider: { origin, issuer(), case(), register(), calls(), waitForCalls(), close() }.
 *
 *   tls       { key, cert } to speak HTTPS
 *   users     as in users.mjs, the default
 *   clients   [{ client_id, client_secret, name?, redirect_uris, post_logout_redirect_uris? }]
 *   knobs     those of the "default" case, whose issuer is the origin itself
 *   onSecret  (kind, value) is told every code, token, cookie and secret
 */
export async function startProvider({
  port = 0, host = '127.0.0.1', tls, users = usualUsers, clients = [], knobs = {}, onSecret,
} = {}) {
  const provider = new Provider({ users, clients, onSecret });
  const serve = (request, response) => provider.serve(request, response).catch((error) => {
    if (!response.destroyed && !response.headersSent)
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`the provider itself failed: ${error.message}\n`);
    else
      response.destroy();
  });
  const server = tls ? https.createServer(tls, serve) : http.createServer(serve);
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  provider.origin = `${tls ? 'https' : 'http'}://${host}:${server.address().port}`;
  provider.case('default', knobs);
  provider.close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return provider;
}
