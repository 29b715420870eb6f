/*
 * Keys and signatures of the development provider (RFC 7515, 7517, 7518), on
 * node:crypto alone. It signs whatever it is told to, wrong things included:
 * a test must be able to hold every bad token in its hand.
 */
import {
  constants, createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign, timingSafeEqual, verify,
} from 'node:crypto';

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

/* hash is what node:crypto signs with; atHash is the one at_hash uses (OpenID Connect Core, 3.1.3.6) */
const schemes = {
  RS256: { generate: rsa, hash: 'sha256', options: {}, atHash: 'sha256' },
  PS256: { generate: rsa, hash: 'sha256', atHash: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  ES256: { generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256', atHash: 'sha256',
    options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { generate: () => generateKeyPairSync('ed25519'), hash: null, options: {}, atHash: 'sha512' },
};

export const base64url = (data) => Buffer.from(data).toString('base64url');
export const randomId = (bytes = 24) => randomBytes(bytes).toString('base64url');

/* A fresh signing key: { alg, kid, privateKey, jwk (public), pem (public, SPKI) }. */
export function makeKey(alg) {
  const { privateKey, publicKey } = schemes[alg].generate();
  const kid = `${alg.toLowerCase()}-${randomBytes(6).toString('hex')}`;
  return {
    alg, kid, privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    pem: publicKey.export({ format: 'pem', type: 'spki' }),
  };
}

/* The raw signature of text: key is a KeyObject, for HS256 a secret, for "none" nothing. */
function signature(text, alg, key) {
  if (alg === 'none')
    return Buffer.alloc(0);
  if (alg === 'HS256')
    return createHmac('sha256', key).update(text).digest();
  const { hash, options } = schemes[alg];
  return sign(hash, Buffer.from(text), { key, ...options });
}

/* A compact JWS over the payload, a string so that it may be any JSON, or none at all. */
export function signJws(header, payload, alg, key, { corrupt = false } = {}) {
  const text = `${base64url(JSON.stringify(header))}.${base64url(payload)}`;
  const bytes = signature(text, alg, key);
  if (corrupt && bytes.length > 0)
    bytes[bytes.length >> 1] ^= 0x10;
  return `${text}.${base64url(bytes)}`;
}

/* Does the token's signature hold under this JWK and this algorithm, whatever its header claims? */
export function verifyJws(token, jwk, alg) {
  const [header, payload, bytes, ...rest] = token.split('.');
  if (rest.length > 0 || !bytes)
    return false;
  const { hash, options } = schemes[alg];
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return verify(hash, Buffer.from(`${header}.${payload}`), { key, ...options }, Buffer.from(bytes, 'base64url'));
}

/* The header and the claims, read but not trusted. */
export function decodeJws(token) {
  const [header, payload] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  return { header, payload };
}

export function atHash(accessToken, alg) {
  const digest = createHash(schemes[alg]?.atHash ?? 'sha256').update(accessToken).digest();
  return base64url(digest.subarray(0, digest.length / 2));
}

/* The code_challenge of a verifier, method S256 (RFC 7636, 4.2). */
export const challengeOf = (verifier) => createHash('sha256').update(verifier).digest('base64url');

export function secretEqual(a, b) {
  const [x, y] = [a, b].map((value) => createHash('sha256').update(String(value)).digest());
  return timingSafeEqual(x, y);
}
