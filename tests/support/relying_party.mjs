/*
 * A small strict OpenID client: code flow with PKCE, every check the catalogue
 * of faults asks for, nothing else. It exists to prove the provider: each fault
 * must be one that a sound client notices, and each sound answer one it takes.
 */
import http from 'node:http';
import { atHash, challengeOf, decodeJws, randomId, verifyJws } from './provider/jose.mjs';

const ANSWER_MAX = 256 * 1024;
const LEEWAY_S = 60;
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const KEY_TYPES = { RS256: 'RSA', PS256: 'RSA', ES256: 'EC', EdDSA: 'OKP' };

function demand(condition, text) {
  if (!condition)
    throw new Error(text);
}

/* One call without redirects, the answer whole and small: { status, json }. */
function call(url, { method = 'GET', headers = {}, body = '' } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false, timeout: 5000 }, (response) => {
      const chunks = [];
      let length = 0;
      response.on('data', (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > ANSWER_MAX)
          request.destroy(new Error(`${url}: the answer is too long`));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    request.on('timeout', () => request.destroy(new Error(`${url}: no answer in time`)));
    request.on('error', reject);
    request.end(body);
  });
}

/*
 * Strict JSON, an object. The provider writes JSON in the one way JSON.stringify does, so a text that does
 * not survive the round trip has a duplicate member, or a number that no double holds.
 */
function parseObject(text) {
  const value = JSON.parse(text);
  demand(value !== null && typeof value === 'object' && !Array.isArray(value), 'not a JSON object');
  demand(JSON.stringify(value) === text, 'duplicate members, or numbers out of range');
  return value;
}

async function callJson(url, options) {
  const { status, text } = await call(url, options);
  demand(status === 200, `${url} answered ${status} ${text.slice(0, 200)}`);
  return parseObject(text);
}

/* The parameter's one value; a second one is refused. */
function single(params, name) {
  demand(params.getAll(name).length <= 1, `${name} came twice`);
  return params.get(name) ?? undefined;
}

export class RelyingParty {
  /* client: { client_id, client_secret, redirect_uris }, the first of which is used */
  constructor(issuer, client) {
    Object.assign(this, { issuer, client, redirectUri: client.redirect_uris[0], keys: [] });
  }

  async discover() {
    const metadata = await callJson(`${this.issuer}/.well-known/openid-configuration`);
    demand(metadata.issuer === this.issuer, `the metadata is of ${metadata.issuer}`);
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'])
      demand(typeof metadata[name] === 'string', `the metadata has no ${name}`);
    this.metadata = metadata;
  }

  /* The URL to send a browser to; more adds parameters. */
  authorizationUrl(more = {}) {
    this.flow = { state: randomId(), nonce: randomId(), verifier: randomId(32) };
    const url = new URL(this.metadata.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: 'code', client_id: this.client.client_id, redirect_uri: this.redirectUri,
      scope: 'openid profile email groups', state: this.flow.state, nonce: this.flow.nonce,
      code_challenge: challengeOf(this.flow.verifier), code_challenge_method: 'S256', ...more,
    });
    return url;
  }

  /* Takes the authorization response; resolves with the user's claims and the tokens. */
  async finish(params) {
    const { flow, metadata } = this;
    demand(single(params, 'state') === flow.state, 'the state is not ours');
    const iss = single(params, 'iss');
    if (iss !== undefined || metadata.authorization_response_iss_parameter_supported)
      demand(iss === this.issuer, `the response is of ${iss}`);
    demand(!params.has('error'), `the provider says ${params.get('error')}`);
    const tokens = await this.redeem(single(params, 'code'), flow.verifier);
    const idToken = await this.verifyIdToken(tokens.id_token, { nonce: flow.nonce, accessToken: tokens.access_token });
    const authorization = `Bearer ${tokens.access_token}`;
    const info = await callJson(metadata.userinfo_endpoint, { headers: { authorization } });
    demand(info.sub === idToken.sub, 'userinfo is of somebody else');
    return { claims: { ...idToken, ...info }, tokens };
  }

  redeem(code, verifier, more = {}) {
    return this.tokenCall({
      grant_type: 'authorization_code', code, redirect_uri: this.redirectUri, code_verifier: verifier, ...more,
    });
  }

  async tokenCall(fields) {
    const { client_id: id, client_secret: secret } = this.client;
    const form = new URLSearchParams(fields);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    if (this.metadata.token_endpoint_auth_methods_supported.includes('client_secret_basic')) {
      const pair = [id, secret].map((part) => new URLSearchParams({ '': part }).toString().slice(1)).join(':');
      headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    } else {
      form.set('client_id', id);
      form.set('client_secret', secret);
    }
    const tokens = await callJson(this.metadata.token_endpoint, { method: 'POST', headers, body: form.toString() });
    for (const name of ['access_token', 'id_token'])
      demand(typeof tokens[name] === 'string', `the answer has no ${name}`);
    demand(tokens.token_type?.toLowerCase() === 'bearer', `the token type is ${tokens.token_type}`);
    return tokens;
  }

  async #keyFor({ kid, alg }) {
    const find = () => this.keys.filter((key) => key.kty === KEY_TYPES[alg] && key.alg === alg
      && (kid === undefined || key.kid === kid));
    if (find().length === 0) {
      const { keys } = await callJson(this.metadata.jwks_uri);
      demand(Array.isArray(keys), 'the key set has no keys');
      this.keys = keys;
    }
    demand(find().length === 1, `${find().length} keys fit ${alg} ${kid}`);
    return find()[0];
  }

  async verifyIdToken(token, { nonce, accessToken } = {}) {
    demand(/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token), 'not a compact JWS');
    const { header } = decodeJws(token);
    demand(ALGORITHMS.includes(header.alg), `the algorithm is ${header.alg}`);
    demand(this.metadata.id_token_signing_alg_values_supported.includes(header.alg), `${header.alg} was not announced`);
    demand(header.crit === undefined, 'a critical header that is not understood');
    demand(verifyJws(token, await this.#keyFor(header), header.alg), 'the signature is wrong');

    const claims = parseObject(Buffer.from(token.split('.')[1], 'base64url').toString());
    const time = Date.now() / 1000;
    const { iss, sub, aud, azp, exp, iat, nbf = 0, at_hash: hash } = claims;
    demand(iss === this.issuer, `the token is of ${iss}`);
    demand(typeof sub === 'string' && sub !== '', 'the token has no sub');
    demand([aud].flat().length === 1 && [aud].flat()[0] === this.client.client_id, `the token is for ${aud}`);
    demand(azp === undefined || azp === this.client.client_id, `the token was issued to ${azp}`);
    demand(Number.isFinite(exp) && exp > time - LEEWAY_S, 'the token has expired');
    demand(Number.isFinite(iat) && iat < time + LEEWAY_S, 'the token is from the future');
    demand(nbf < time + LEEWAY_S, 'the token is not valid yet');
    demand(claims.nonce === nonce, 'the nonce is not ours');
    demand(hash === undefined || hash === atHash(accessToken, header.alg), 'at_hash is of another token');
    return claims;
  }
}
