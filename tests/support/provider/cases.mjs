/*
 * The catalogue of single faults: what the provider does, and what a sound
 * client makes of it. A suite walks the table, so a new row is a new test
 * everywhere. Names in brackets are those of the OpenID certification tests.
 *
 *   id       the case id, a path segment
 *   expect   'accept': the login succeeds; 'refuse': it does not; 'either': the client may choose, and documents it
 *   never    endpoints a client that refuses does not call any more, having seen the fault
 *   knobs    of the provider
 */
const stranger = 'https://stranger.example';
const hour = 3600;

const accept = (id, knobs) => ({ id, expect: 'accept', never: [], knobs });
const refuse = (id, knobs, ...never) => ({ id, expect: 'refuse', never, knobs });
const idToken = (id, recipe) => refuse(id, { idToken: recipe }, 'userinfo');

/* Signatures and keys. */
const signatures = [
  accept('sig-rs256', {}),  /* [rp-id_token-sig-rs256] */
  accept('sig-ps256', { keys: ['PS256'] }),
  accept('sig-es256', { keys: ['ES256'] }),
  accept('sig-eddsa', { keys: ['EdDSA'] }),
  accept('sig-second-algorithm', { keys: ['RS256', 'ES256'], idToken: { alg: 'ES256' } }),
  accept('kid-absent-single', { idToken: { header: { delete: ['kid'] } } }),  /* [rp-id_token-kid-absent-single-jwks] */
  { ...accept('kid-absent-multiple', { keys: ['RS256', 'RS256'], idToken: { header: { delete: ['kid'] } } }),
    expect: 'either' },  /* [rp-id_token-kid-absent-multiple-jwks] */
  accept('rotation-before-signing', { rotate: 'once' }),  /* [rp-key-rotation-op-sign-key-native] */
  accept('jwks-uri-random-suffix', { discovery: { jwksSuffix: true } }),  /* [rp-discovery-jwks_uri-keys] */
  accept('jwks-unknown-key-types', { jwks: { edit: ({ keys }) => keys.unshift(
    { kty: 'quantum', kid: 'q1' }, { kty: 'oct', k: 'AAAA', kid: 'o1' }, { kty: 'EC', crv: 'P-999', kid: 'e1' }) } }),
  idToken('sig-none', { alg: 'none' }),  /* [rp-id_token-sig-none] */
  idToken('sig-none-other-case', { alg: 'none', header: { set: { alg: 'NonE' } } }),
  idToken('sig-alg-missing', { header: { delete: ['alg'] } }),
  idToken('sig-stripped', { finish: (token) => token.replace(/[^.]+$/, '') }),
  idToken('sig-corrupt', { corrupt: true }),  /* [rp-id_token-bad-sig-rs256] */
  idToken('sig-other-key', { signWith: 'unpublished' }),
  idToken('sig-other-key-unknown-kid', { signWith: 'unpublished', header: { set: { kid: 'never-published' } } }),
  idToken('sig-hs256-client-secret', { alg: 'HS256' }),
  idToken('sig-hs256-public-pem', { alg: 'HS256', signWith: 'publicPem' }),
  idToken('sig-alg-not-announced', { alg: 'ES256' }),
  idToken('header-alg-swapped', { header: { set: { alg: 'PS256' } } }),
  idToken('header-crit-unknown', { header: { set: { crit: ['x-odd'], 'x-odd': true } } }),
  idToken('header-kid-a-path', { signWith: 'unpublished', header: { set: { kid: '../../../../dev/null' } } }),
  idToken('token-four-parts', { finish: (token) => `${token}.AAAA` }),
  idToken('token-padded', { finish: (token) => `${token}==` }),
  idToken('token-not-a-jwt', { finish: () => 'bearer-of-nothing' }),
  refuse('jwks-500', { jwks: { status: 500 } }, 'userinfo'),
  refuse('jwks-empty', { jwks: { set: { keys: [] } } }, 'userinfo'),
  refuse('jwks-not-json', { jwks: { body: '<html>' } }, 'userinfo'),
  refuse('jwks-redirected', { jwks: { redirects: 1 } }, 'userinfo'),
  refuse('jwks-giant', { jwks: { giantBytes: 1e9 } }, 'userinfo'),
];

/* Claims of the ID token. */
const claims = [
  idToken('iss-wrong', { set: { iss: stranger } }),  /* [rp-id_token-issuer-mismatch] */
  idToken('iss-slash', { edit: (c) => { c.iss += '/'; } }),
  idToken('iss-missing', { delete: ['iss'] }),
  idToken('sub-missing', { delete: ['sub'] }),  /* [rp-id_token-sub] */
  idToken('sub-empty', { set: { sub: '' } }),
  idToken('sub-number', { set: { sub: 1001 } }),
  idToken('aud-wrong', { set: { aud: 'another-client' } }),  /* [rp-id_token-aud] */
  idToken('aud-missing', { delete: ['aud'] }),
  accept('aud-array-of-one', { idToken: { edit: (c) => { c.aud = [c.aud]; } } }),
  idToken('aud-stranger-beside', { edit: (c) => { c.aud = [c.aud, stranger]; } }),
  idToken('azp-wrong', { edit: (c) => { c.aud = [c.aud]; c.azp = 'another-client'; } }),
  idToken('iat-missing', { delete: ['iat'] }),  /* [rp-id_token-iat] */
  idToken('iat-next-hour', { edit: (c) => { c.iat += hour; c.exp += hour; } }),
  idToken('exp-missing', { delete: ['exp'] }),
  idToken('exp-past', { edit: (c) => { c.iat -= hour; c.exp -= hour; } }),
  idToken('exp-text', { edit: (c) => { c.exp = String(c.exp); } }),
  idToken('exp-null', { set: { exp: null } }),
  idToken('exp-negative', { set: { exp: -1 } }),
  idToken('exp-beyond-numbers', { payload: (text) => text.replace(/"exp":\d+/, '"exp":1e999') }),
  idToken('nbf-next-hour', { edit: (c) => { c.nbf = c.iat + hour; } }),
  idToken('nonce-wrong', { nonce: 'wrong' }),  /* [rp-nonce-invalid] */
  idToken('nonce-missing', { nonce: 'missing' }),
  idToken('at-hash-wrong', { atHash: 'wrong' }),  /* [rp-id_token-bad-at_hash] */
  accept('at-hash-missing', { idToken: { atHash: 'missing' } }),
  idToken('claims-duplicate-sub', { payload: (text) => text.replace(/}$/, ',"sub":"someone-else"}') }),
  idToken('claims-not-an-object', { payload: () => '["sub","iss"]' }),
  idToken('claims-trailing-text', { payload: (text) => `${text}{}` }),
  accept('claims-unknown', { idToken: { set: { 'https://example.com/odd': { deep: [1, null, { er: true }] } } } }),
];

/* Discovery and the authorization response. */
const front = [
  /* [rp-discovery-issuer-not-matching-config] */
  refuse('discovery-issuer-wrong', { discovery: { issuer: 'wrong' } }, 'authorize', 'token'),
  refuse('discovery-issuer-missing', { discovery: { issuer: 'missing' } }, 'authorize', 'token'),
  refuse('discovery-500', { discovery: { status: 500 } }, 'authorize', 'token'),
  refuse('discovery-not-json', { discovery: { body: 'not JSON' } }, 'authorize', 'token'),
  refuse('discovery-redirected', { discovery: { redirects: 1 } }, 'authorize', 'token'),
  refuse('discovery-no-token-endpoint', { discovery: { delete: ['token_endpoint'] } }, 'authorize', 'token'),
  refuse('discovery-duplicate-issuer', { discovery: { duplicate: { issuer: stranger } } }, 'authorize', 'token'),
  refuse('state-wrong', { authorize: { state: 'wrong' } }, 'token'),
  refuse('state-missing', { authorize: { state: 'missing' } }, 'token'),
  refuse('state-duplicated', { authorize: { duplicate: { state: true } } }, 'token'),
  refuse('code-duplicated', { authorize: { duplicate: { code: 'another-code' } } }, 'token'),
  refuse('response-iss-wrong', { authorize: { iss: 'wrong' } }, 'token'),
  refuse('response-iss-missing', { authorize: { iss: 'missing' } }, 'token'),
  refuse('response-iss-duplicated', { authorize: { duplicate: { iss: stranger } } }, 'token'),
  accept('response-iss-off', { authorize: { iss: 'off' } }),
  refuse('access-denied', { authorize: { error: 'access_denied' } }, 'token'),
  accept('pkce-ignored', { pkce: 'ignored' }),  /* the client sends a challenge all the same */
];

/* The token endpoint and userinfo. */
const back = [
  accept('token-basic-only', { token: { auth: 'basic' } }),  /* [rp-token_endpoint-client_secret_basic] */
  accept('token-post-only', { token: { auth: 'post' } }),  /* [rp-token_endpoint-client_secret_post] */
  accept('token-no-expires-in', { token: { delete: ['expires_in'] } }),
  accept('token-type-lower-case', { token: { set: { token_type: 'bearer' } } }),
  accept('token-jwt-access-token', { accessToken: { format: 'jwt' } }),
  accept('token-slow', { token: { delayMs: 300 } }),
  accept('token-drips', { token: { drip: { bytes: 64, everyMs: 5 } } }),
  refuse('token-invalid-grant', { token: { error: 'invalid_grant' } }, 'userinfo'),
  refuse('token-500', { token: { status: 500 } }, 'userinfo'),
  refuse('token-no-id-token', { token: { delete: ['id_token'] } }, 'userinfo'),
  refuse('token-no-access-token', { token: { delete: ['access_token'] } }, 'userinfo'),
  refuse('token-type-odd', { token: { set: { token_type: 'mac' } } }, 'userinfo'),
  refuse('token-not-json', { token: { body: 'id_token=x', type: 'text/plain' } }, 'userinfo'),
  refuse('token-duplicate-member', { token: { duplicate: { id_token: true } } }, 'userinfo'),
  refuse('token-truncated', { token: { truncateAt: 40 } }, 'userinfo'),
  refuse('token-reset', { token: { resetAt: 40 } }, 'userinfo'),
  refuse('token-giant', { token: { giantBytes: 1e9 } }, 'userinfo'),
  refuse('token-redirected', { token: { redirects: 1 } }, 'userinfo'),
  accept('userinfo-only-claims', { idToken: { claims: 'userinfo' } }),  /* [rp-scope-userinfo-claims] */
  /* [rp-userinfo-bad-sub-claim] */
  refuse('userinfo-sub-wrong', { idToken: { claims: 'userinfo' }, userinfo: { sub: 'wrong' } }),
  refuse('userinfo-sub-missing', { idToken: { claims: 'userinfo' }, userinfo: { sub: 'missing' } }),
  refuse('userinfo-500', { idToken: { claims: 'userinfo' }, userinfo: { status: 500 } }),
  refuse('userinfo-not-json', { idToken: { claims: 'userinfo' }, userinfo: { body: 'sub=x' } }),
];

export const cases = [...signatures, ...claims, ...front, ...back];
