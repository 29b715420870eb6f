/*
 * One issuer: its keys, the sessions of its users, the codes and tokens it has
 * given out, and its knobs. Cases share a process and nothing else, so a token
 * of one must mean nothing to a client of another.
 */
import { atHash, makeKey, randomId, signJws } from './jose.mjs';
import { choose, defaults, patch, turn } from './knobs.mjs';

export const now = () => Math.floor(Date.now() / 1000);

/* Claims released only when their scope was asked for (OpenID Connect Core, 5.4); all others always are. */
const scopeOf = {
  name: 'profile', preferred_username: 'profile', email: 'email', email_verified: 'email', groups: 'groups',
};

/* alg -> a key that no case publishes */
const strangers = new Map();

export class Case {
  constructor(provider, id) {
    this.provider = provider;
    this.id = id;
    this.path = id === 'default' ? '' : `/${id}`;
    this.knobs = defaults;
    this.jwksSuffix = `/${randomId(12)}`;
    this.sessions = new Map();  /* cookie -> { user, strong, authTime, sid } */
    this.codes = new Map();  /* code -> grant */
    this.accessTokens = new Map();  /* token -> grant */
    this.refreshTokens = new Map();
  }

  /* What is published; made when first needed, as RSA keys take a tenth of a second each. */
  get keys() {
    this.published ??= this.knobs.keys.map(makeKey);
    return this.published;
  }

  get issuer() {
    return this.provider.origin + this.path;
  }

  url(endpoint) {
    return `${this.issuer}/${endpoint}`;
  }

  /* Turns knobs; those not named keep their position. */
  set(knobs) {
    this.knobs = turn(this.knobs, knobs);
    if (knobs.keys)
      this.published = undefined;
    return this;
  }

  /* Publishes new keys and, unless they are to be kept, withdraws the old ones. */
  rotateKeys({ keep = false } = {}) {
    const fresh = this.knobs.keys.map(makeKey);
    this.published = keep ? [...fresh, ...this.keys] : fresh;
  }

  /*
   * A token over these claims, made as the recipe says (the "token" knobs). Tests
   * use it directly for tokens that no endpoint hands out.
   */
  sign(claims, recipe = {}, { typ = 'JWT', clientSecret = '' } = {}) {
    const { signWith = 'published', header: headerPatch = {}, payload, finish, corrupt } = recipe;
    const alg = recipe.alg || this.keys[0].alg;
    const { key, kid } = this.#key(alg, signWith, clientSecret);
    const header = patch({ alg, typ, ...(kid && { kid }) }, headerPatch);
    const text = JSON.stringify(patch({ ...claims }, recipe));
    const token = signJws(header, payload ? payload(text) : text, alg, key, { corrupt });
    return this.provider.secret('token', finish ? finish(token) : token);
  }

  #key(alg, signWith, clientSecret) {
    if (alg === 'none')
      return {};
    if (alg === 'HS256' && signWith === 'publicPem') {
      const { pem, kid } = this.keys.find((key) => key.jwk.kty === 'RSA');
      return { key: pem, kid };
    }
    if (alg === 'HS256')
      return { key: clientSecret };
    const published = this.keys.find((key) => key.alg === alg);
    if (published && signWith === 'published')
      return { key: published.privateKey, kid: published.kid };
    if (!strangers.has(alg))
      strangers.set(alg, makeKey(alg));
    const stranger = strangers.get(alg);
    return { key: stranger.privateKey, kid: (published ?? stranger).kid };  /* an impostor bears the known name */
  }

  userClaims({ user, scope }) {
    return Object.fromEntries(Object.entries(user.claims).filter(([name]) =>
      name !== 'sub' && (!scopeOf[name] || scope.has(scopeOf[name]))));
  }

  /* The ID token of a grant; one that a refresh brings has no nonce (OpenID Connect Core, 12.2). */
  idToken(grant, accessToken, { refreshed = false } = {}) {
    const knobs = this.knobs.idToken;
    if (this.knobs.rotate !== 'never') {
      this.rotateKeys();
      if (this.knobs.rotate === 'once')
        this.set({ rotate: 'never' });
    }
    const alg = knobs.alg || this.keys[0].alg;
    const { amr, acr } = grant.strong ? grant.user.strong : grant.user;
    const claims = {
      iss: this.issuer, sub: grant.user.claims.sub, aud: grant.client.client_id,
      iat: now(), exp: now() + 300, auth_time: grant.authTime, sid: grant.sid,
      nonce: refreshed ? undefined : choose(knobs.nonce, grant.nonce, randomId()),
      at_hash: choose(knobs.atHash, atHash(accessToken, alg), atHash('another token', alg)),
      amr, acr,
      ...(knobs.claims !== 'userinfo' && this.userClaims(grant)),
    };
    return this.sign(claims, knobs, { clientSecret: grant.client.client_secret });
  }

  accessToken(grant) {
    const knobs = this.knobs.accessToken;
    const claims = {
      iss: this.issuer, sub: grant.user.claims.sub, aud: grant.client.client_id,
      client_id: grant.client.client_id, scope: [...grant.scope].join(' '), jti: randomId(12),
      iat: now(), exp: now() + this.knobs.token.expiresIn, ...this.userClaims(grant),
    };
    const token = knobs.format === 'jwt'
      ? this.sign(claims, knobs, { typ: 'at+jwt', clientSecret: grant.client.client_secret })
      : this.provider.secret('access_token', `at-${randomId(32)}`);
    this.accessTokens.set(token, grant);
    return token;
  }

  refreshToken(grant) {
    const token = this.provider.secret('refresh_token', `rt-${randomId(32)}`);
    this.refreshTokens.set(token, grant);
    return token;
  }

  /* A back-channel logout token (OpenID Connect Back-Channel Logout, 2.4) for { sub, sid, aud }. */
  logoutToken(claims, recipe = {}) {
    return this.sign({
      iss: this.issuer, iat: now(), exp: now() + 120, jti: randomId(12),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...claims,
    }, recipe, { typ: 'logout+jwt' });
  }

  signIn(user, strong) {
    const cookie = this.provider.secret('provider session', randomId());
    const session = { user, strong, authTime: now(), sid: randomId(12), cookie };
    this.sessions.set(cookie, session);
    return session;
  }

  /* Forgets everything that was given out for a code that is presented twice (RFC 6749, 4.1.2). */
  revoke(grant) {
    for (const tokens of [this.accessTokens, this.refreshTokens])
      for (const [token, owner] of tokens)
        if (owner === grant)
          tokens.delete(token);
  }
}
