/*
 * What each endpoint answers: OpenID Connect Core, Discovery and RP-Initiated
 * Logout, with OAuth's PKCE (RFC 7636) and issuer parameter (RFC 9207). Strict
 * where a client could be sloppy, wrong exactly where a knob says so. An
 * endpoint takes (case, call) and returns { status, headers, json | html }.
 */
import { challengeOf, randomId, secretEqual } from './jose.mjs';
import { now } from './case.mjs';
import { choose } from './knobs.mjs';
import { formPostPage, loginPage, problemPage, signedOutPage } from './page.mjs';

/* Wrong on purpose, and recognisable in a log. */
const WRONG_ISSUER = 'https://wrong-issuer.example';

class OAuthError extends Error {
  constructor(code, description, status = 400, headers = {}) {
    super(description);
    Object.assign(this, { code, status, headers });
  }
}

const problem = (status, text) => ({ status, error: text, ...problemPage(text) });

const repeated = (params) => [...new Set(params.keys())].find((name) => params.getAll(name).length > 1);

function discovery(c) {
  const { knobs } = c;
  const auth = { any: ['client_secret_basic', 'client_secret_post'], basic: ['client_secret_basic'],
    post: ['client_secret_post'] }[knobs.token.auth];
  return { json: {
    issuer: choose(knobs.discovery.issuer, c.issuer, WRONG_ISSUER),
    authorization_endpoint: c.url('authorize'),
    token_endpoint: c.url('token'),
    jwks_uri: c.url('jwks') + (knobs.discovery.jwksSuffix ? c.jwksSuffix : ''),
    userinfo_endpoint: c.url('userinfo'),
    end_session_endpoint: c.url('end_session'),
    scopes_supported: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(knobs.keys)],
    token_endpoint_auth_methods_supported: auth,
    code_challenge_methods_supported: ['S256'],
    claims_supported: ['sub', 'name', 'preferred_username', 'email', 'email_verified', 'groups', 'auth_time', 'amr',
      'acr'],
    authorization_response_iss_parameter_supported: knobs.authorize.iss !== 'off',
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  } };
}

function jwks(c, call) {
  const suffix = c.knobs.discovery.jwksSuffix ? c.jwksSuffix : '';
  if (call.rest !== suffix)
    return problem(404, 'There are no keys here.');
  return { json: { keys: c.keys.map((key) => key.jwk) } };
}

/* The first thing wrong with an authorization request whose client and redirect_uri are sound. */
function requestFault(c, params) {
  if (params.get('response_type') !== 'code')
    return ['unsupported_response_type', 'only the code flow is served'];
  if (!(params.get('scope') ?? '').split(' ').includes('openid'))
    return ['invalid_scope', 'scope lacks openid'];
  if (c.knobs.pkce === 'required' && params.get('code_challenge_method') !== 'S256')
    return ['invalid_request', 'code_challenge_method must be S256'];
  if (c.knobs.pkce === 'required' && !/^[\w-]{43}$/.test(params.get('code_challenge') ?? ''))
    return ['invalid_request', 'code_challenge is not a SHA-256 in base64url'];
  return undefined;
}

/* May this session answer the request without the user being asked again? */
function sessionServes(session, params) {
  const prompt = (params.get('prompt') ?? '').split(' ');
  if (!session || prompt.includes('login') || prompt.includes('select_account'))
    return false;
  if (params.has('max_age') && now() - session.authTime >= Number(params.get('max_age')))
    return false;
  const { acr } = session.strong ? session.user.strong : session.user;
  return !params.has('acr_values') || params.get('acr_values').split(' ').includes(acr);
}

/* Cookies know no ports and no case, so each case's cookie has a name of its own. */
const cookieName = (c) => `development_provider_${c.id}`;

const sessionCookie = (c, value, more = '') => ({
  'set-cookie': `${cookieName(c)}=${value}; Path=${c.path || '/'}; HttpOnly; SameSite=Lax${more}`,
});

function sessionOf(c, call) {
  const name = `${cookieName(c)}=`;
  const pair = (call.headers.cookie ?? '').split('; ').find((part) => part.startsWith(name));
  return c.sessions.get(pair?.slice(name.length));
}

function authorize(c, call) {
  const params = call.method === 'POST' ? call.form : call.query;
  const twice = repeated(params);
  if (twice)
    return problem(400, `The parameter ${twice} came more than once.`);
  const client = c.provider.clients.get(params.get('client_id'));
  if (!client)
    return problem(400, 'No such client is registered here.');
  if (!client.redirect_uris.includes(params.get('redirect_uri')))
    return problem(400, 'This redirect_uri is not registered for the client.');

  const knobs = c.knobs.authorize;
  const back = (fields, headers) => sendBack(c, params, fields, headers);
  const fault = requestFault(c, params);
  if (fault)
    return back({ error: fault[0], error_description: fault[1] });
  if (knobs.error)
    return back({ error: knobs.error });

  let session = sessionOf(c, call);
  let headers = {};
  const silent = (params.get('prompt') ?? '').split(' ').includes('none');
  const [login, strength] = (silent ? '' : params.get('auto') || knobs.auto).split('/');
  if (login) {
    const user = c.provider.users.find((one) => one.login === login);
    if (!user)
      return problem(400, `Nobody here signs in as ${login}.`);
    session = c.signIn(user, strength === 'strong' && user.strong !== undefined);
    headers = sessionCookie(c, session.cookie);
  } else if (!sessionServes(session, params) || !(silent || knobs.remember)) {
    if (silent)
      return back({ error: 'login_required' });
    return loginPage({ client, params, users: c.provider.users, action: c.url('authorize') });
  }
  const code = c.provider.secret('code', `code-${randomId(32)}`);
  c.codes.set(code, {
    client, user: session.user, strong: session.strong, sid: session.sid, authTime: session.authTime,
    nonce: params.get('nonce') ?? undefined, scope: new Set(params.get('scope').split(' ')),
    redirectUri: params.get('redirect_uri'), challenge: params.get('code_challenge'), issuedAt: now(),
  });
  return back({ code }, headers);
}

/* The authorization response, by query or by form_post. */
function sendBack(c, params, fields, headers = {}) {
  const knobs = c.knobs.authorize;
  const all = [
    ...Object.entries(fields),
    ['state', choose(knobs.state, params.get('state'), randomId())],
    ['iss', knobs.iss === 'off' ? undefined : choose(knobs.iss, c.issuer, WRONG_ISSUER)],
  ].filter(([, value]) => value !== undefined && value !== null);
  for (const [name, value] of Object.entries(knobs.duplicate))
    all.push([name, value === true ? all.find(([one]) => one === name)[1] : value]);

  if (params.get('response_mode') === 'form_post') {
    const page = formPostPage(params.get('redirect_uri'), all);
    return { ...page, headers: { ...page.headers, ...headers }, error: fields.error };
  }
  const url = new URL(params.get('redirect_uri'));
  for (const [name, value] of all)
    url.searchParams.append(name, value);
  return { status: 303, headers: { location: url.href, ...headers }, html: '', error: fields.error };
}

/* application/x-www-form-urlencoded, as RFC 6749, 2.3.1 wants it inside Basic. */
function formDecode(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function authenticateClient(c, call) {
  const refuse = (text) => new OAuthError('invalid_client', text, 401, { 'www-authenticate': 'Basic realm="token"' });
  const { authorization } = call.headers;
  const { auth } = c.knobs.token;
  let id = call.form.get('client_id');
  let secret = call.form.get('client_secret');
  if (authorization !== undefined) {
    if (secret !== null)
      throw new OAuthError('invalid_request', 'two ways of client authentication at once');
    if (auth === 'post')
      throw refuse('only client_secret_post is accepted');
    const [scheme, encoded] = authorization.split(' ');
    const pair = scheme.toLowerCase() === 'basic' && Buffer.from(encoded ?? '', 'base64').toString();
    if (!pair || !pair.includes(':'))
      throw refuse('malformed Basic credentials');
    const colon = pair.indexOf(':');
    const basicId = formDecode(pair.slice(0, colon));
    if (id !== null && id !== basicId)
      throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
    id = basicId;
    secret = formDecode(pair.slice(colon + 1));
  } else if (auth === 'basic') {
    throw refuse('only client_secret_basic is accepted');
  }
  const client = c.provider.clients.get(id);
  if (!client || !secret || !secretEqual(secret, client.client_secret))
    throw refuse('unknown client or wrong secret');
  return client;
}

function token(c, call) {
  if (!(call.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded'))
    throw new OAuthError('invalid_request', 'the body must be a form');
  const twice = repeated(call.form);
  if (twice)
    throw new OAuthError('invalid_request', `the parameter ${twice} came more than once`);
  const client = authenticateClient(c, call);
  if (c.knobs.token.error)
    throw new OAuthError(c.knobs.token.error, 'so says the knob');
  switch (call.form.get('grant_type')) {
  case 'authorization_code': return redeemCode(c, call.form, client);
  case 'refresh_token': return refresh(c, call.form, client);
  default: throw new OAuthError('unsupported_grant_type', 'only authorization_code and refresh_token');
  }
}

function redeemCode(c, form, client) {
  const invalid = (text) => new OAuthError('invalid_grant', text);
  const grant = c.codes.get(form.get('code'));
  if (!grant || grant.client !== client)
    throw invalid('no such code for this client');
  if (grant.used) {
    c.revoke(grant);
    throw invalid('the code was used before');
  }
  grant.used = true;
  if (now() - grant.issuedAt > 60)
    throw invalid('the code has expired');
  if (form.get('redirect_uri') !== grant.redirectUri)
    throw invalid('redirect_uri differs from the authorization request');
  if (c.knobs.pkce === 'required' && challengeOf(form.get('code_verifier') ?? '') !== grant.challenge)
    throw invalid('code_verifier does not fit the challenge');
  return tokenAnswer(c, grant, { withRefresh: c.knobs.token.refresh || grant.scope.has('offline_access') });
}

function refresh(c, form, client) {
  const grant = c.refreshTokens.get(form.get('refresh_token'));
  if (!grant || grant.client !== client)
    throw new OAuthError('invalid_grant', 'no such refresh token for this client');
  c.refreshTokens.delete(form.get('refresh_token'));
  return tokenAnswer(c, grant, { withRefresh: true, refreshed: true });
}

function tokenAnswer(c, grant, { withRefresh, refreshed = false }) {
  const accessToken = c.accessToken(grant);
  return { json: {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: c.knobs.token.expiresIn,
    scope: [...grant.scope].join(' '),
    id_token: c.idToken(grant, accessToken, { refreshed }),
    ...(withRefresh && { refresh_token: c.refreshToken(grant) }),
  } };
}

function userinfo(c, call) {
  const [, presented] = /^Bearer ([\w.~+/-]+=*)$/i.exec(call.headers.authorization ?? '') ?? [];
  const grant = c.accessTokens.get(presented);
  if (!grant)
    throw new OAuthError('invalid_token', 'no such access token', 401,
      { 'www-authenticate': 'Bearer error="invalid_token"' });
  return { json: {
    sub: choose(c.knobs.userinfo.sub, grant.user.claims.sub, 'someone-else'),
    ...(c.knobs.idToken.claims !== 'id_token' && c.userClaims(grant)),
  } };
}

function endSession(c, call) {
  const params = call.method === 'POST' ? call.form : call.query;
  const session = sessionOf(c, call);
  c.sessions.delete(session?.cookie);
  const headers = sessionCookie(c, '', '; Max-Age=0');
  const target = params.get('post_logout_redirect_uri');
  if (target === null) {
    const page = signedOutPage();
    return { ...page, headers: { ...page.headers, ...headers } };
  }
  const hinted = [...c.provider.clients.values()].find((client) => client.client_id === clientOfHint(params));
  if (!hinted?.post_logout_redirect_uris?.includes(target))
    return problem(400, 'This post_logout_redirect_uri is not registered for the client.');
  const url = new URL(target);
  const state = choose(c.knobs.end_session.state, params.get('state') ?? undefined, randomId());
  if (state !== undefined)
    url.searchParams.append('state', state);
  return { status: 303, headers: { location: url.href, ...headers }, html: '' };
}

/* Whom an end-session request comes from: client_id, else the audience of the ID token it hints with. */
function clientOfHint(params) {
  try {
    const [, payload] = params.get('id_token_hint').split('.');
    return params.get('client_id') ?? JSON.parse(Buffer.from(payload, 'base64url').toString()).aud;
  } catch {
    return params.get('client_id');
  }
}

/* By the path below the case's prefix. */
export const endpoints = {
  '.well-known/openid-configuration': { name: 'discovery', methods: ['GET'], answer: discovery },
  authorize: { name: 'authorize', methods: ['GET', 'POST'], answer: authorize },
  token: { name: 'token', methods: ['POST'], answer: token },
  jwks: { name: 'jwks', methods: ['GET'], answer: jwks },
  userinfo: { name: 'userinfo', methods: ['GET', 'POST'], answer: userinfo },
  end_session: { name: 'end_session', methods: ['GET', 'POST'], answer: endSession },
};

/* The endpoint's answer, an OAuth error turned into one. */
export function answerOf(endpoint, c, call) {
  if (!endpoint.methods.includes(call.method))
    return problem(405, `${endpoint.name} is not asked by ${call.method}.`);
  try {
    return endpoint.answer(c, call);
  } catch (error) {
    if (!(error instanceof OAuthError))
      throw error;
    return {
      status: error.status, headers: error.headers, error: `${error.code}: ${error.message}`,
      json: { error: error.code, error_description: error.message },
    };
  }
}
