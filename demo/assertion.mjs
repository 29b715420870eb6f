/*
 * How an application makes sure that a request came through the gate: it verifies
 * X-Sallyport-Assertion, a JWT signed with ES256 (RFC 7515, 7518), against the
 * gate's public keys, and believes the plain identity headers only after that.
 * Anyone who reaches the application around the gate can send plain headers.
 */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const LEEWAY_S = 30;
const REFETCH_MS = 5000;  /* an unknown kid must not become a request to the gate per request of a client */
const KEYS_MAX = 64 * 1024;

function fetchJson(url, ca) {
  const { get } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, family: 4, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
        if (text.length > KEYS_MAX)
          request.destroy(new Error('the key set is too long'));
      });
      response.on('error', reject).on('end', () => {
        try {
          if (response.statusCode !== 200)
            throw new Error(`the key set answered ${response.statusCode}`);
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('the key set did not come in time'))).on('error', reject);
  });
}

/*
 * A verifier of assertions: an async function (token) that resolves with the claims, or rejects saying why not.
 *
 *   jwks       URL of the gate's keys, /.sallyport/jwks.json
 *   caFile     whom to trust for that URL
 *   issuer     the gate's origin
 *   audiences  the routes this application stands behind: an assertion for another one is not for us
 */
export function assertionVerifier({ jwks, caFile, issuer, audiences }) {
  const url = new URL(jwks);
  let keys = [];
  let fetchedAt = 0;

  async function keyOf(kid) {
    const find = () => keys.find((key) => key.kid === kid && key.kty === 'EC' && key.crv === 'P-256');
    if (!find() && Date.now() - fetchedAt > REFETCH_MS) {
      fetchedAt = Date.now();
      ({ keys } = await fetchJson(url, caFile && readFileSync(caFile)));
    }
    return find() ?? refuse('its key is not one of the gate');
  }

  return async (token) => {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
      refuse('it is not a signed token');
    const [head, body, signature] = token.split('.');
    const { alg, kid, crit } = JSON.parse(Buffer.from(head, 'base64url'));
    if (alg !== 'ES256' || crit !== undefined)
      refuse('it is not signed with ES256');
    const key = createPublicKey({ key: await keyOf(kid), format: 'jwk' });
    const bytes = Buffer.from(signature, 'base64url');
    if (!verify('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, bytes))
      refuse('its signature is wrong');

    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    const time = Date.now() / 1000;
    if (claims.iss !== issuer)
      refuse(`it was issued by ${claims.iss}`);
    if (!audiences.includes(claims.aud))
      refuse(`it is meant for ${claims.aud}`);
    if (!(claims.exp > time - LEEWAY_S && claims.iat < time + LEEWAY_S))
      refuse('its time is over, or has not come');
    return claims;
  };
}

function refuse(text) {
  throw new Error(text);
}
