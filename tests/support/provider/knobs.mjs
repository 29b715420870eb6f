/*
 * Every way in which a case of the provider may misbehave, with its default: a
 * provider that does all things right. A knob that is not in this table is an
 * error, so a misspelt one cannot turn a negative test into a happy path.
 *
 *   provider.case('late', { idToken: { edit: (claims) => { claims.exp -= 3600; } }, token: { delayMs: 200 } });
 *
 * Three-way knobs say 'right', 'wrong', 'missing', or { value: anything }.
 */

/* What may happen to the answer of any endpoint, on its way to the client. */
export const honest = {
  status: 0,              /* another status than the honest one */
  headers: {},            /* added to the answer */
  type: '',               /* another Content-Type */
  body: null,             /* this text instead of the honest one */
  set: {},                /* members put into a JSON answer ... */
  delete: [],             /* ... or taken out of it */
  edit: null,             /* (json) => void: changes a JSON answer at will */
  duplicate: {},          /* JSON members or parameters written twice: name -> value, or true for the same */
  delayMs: 0,             /* before the first byte; Infinity never answers */
  drip: null,             /* { bytes, everyMs }: the body in pieces */
  truncateAt: null,       /* close in an orderly way after so many bytes of the body, Content-Length saying more */
  resetAt: null,          /* the same with a TCP reset */
  giantBytes: 0,          /* an endless-looking JSON body of this size, made on demand */
  redirects: 0,           /* hops through this same endpoint before the answer; Infinity never arrives */
  redirectTo: '',         /* a redirect to this URL instead of the answer */
};

/* How a token is made. */
const token = {
  alg: '',                /* '': the first published key's; also none, and HS256 with the client secret */
  signWith: 'published',  /* 'published', 'unpublished', or 'publicPem' (HS256 keyed with our public PEM) */
  header: {},             /* { set, delete }: omitting the kid is { delete: ['kid'] } */
  set: {},                /* claims ... */
  delete: [],
  edit: null,             /* (claims) => void */
  payload: null,          /* (text) => text: the serialised claims, for what no object can hold */
  finish: null,           /* (token) => token: the compact form */
  corrupt: false,         /* one bit of the signature flipped */
};

export const defaults = {
  keys: ['RS256'],        /* one published key per entry; the first that fits the algorithm signs */
  pkce: 'required',       /* 'required' (S256 alone), 'ignored' */
  rotate: 'never',        /* new keys for old just before signing an ID token: 'never', 'once', 'always' */
  discovery: {
    ...honest,
    issuer: 'right',      /* three-way */
    jwksSuffix: false,    /* jwks_uri ends in a random segment, and only there the keys are found */
  },
  authorize: {
    ...honest,
    auto: '',             /* sign this user in without a page; a query parameter auto=login does the same */
    remember: true,       /* false asks each time, even whoever is still signed in here */
    error: '',            /* send this OAuth error back instead of a code */
    state: 'right',       /* three-way */
    iss: 'right',         /* three-way (RFC 9207), or 'off': neither sent nor announced */
  },
  token: {
    ...honest,
    auth: 'any',          /* client authentication accepted: 'any', 'basic', 'post' */
    error: '',            /* answer this OAuth error */
    refresh: false,       /* issue refresh tokens even without offline_access */
    expiresIn: 300,
  },
  jwks: { ...honest },
  userinfo: {
    ...honest,
    sub: 'right',         /* three-way */
  },
  end_session: {
    ...honest,
    state: 'right',       /* three-way */
  },
  idToken: {
    ...token,
    nonce: 'right',       /* three-way */
    atHash: 'right',      /* three-way */
    claims: 'both',       /* the user's claims stand in 'both', in the 'id_token' alone or at 'userinfo' alone */
  },
  accessToken: {
    ...token,
    format: 'opaque',     /* 'opaque', 'jwt' (RFC 9068) */
  },
};

/* The table with the given knobs turned. Groups merge; what a knob holds is replaced whole. */
export function turn(knobs, given) {
  const turned = { ...knobs };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name))
      throw new Error(`unknown knob "${name}"`);
    if (typeof defaults[name] !== 'object' || Array.isArray(defaults[name])) {
      turned[name] = value;
      continue;
    }
    for (const inner of Object.keys(value))
      if (!Object.hasOwn(defaults[name], inner))
        throw new Error(`unknown knob "${name}.${inner}"`);
    turned[name] = { ...knobs[name], ...value };
  }
  return turned;
}

/* Applies { set, delete, edit } to a JSON object, in place. */
export function patch(object, { set = {}, delete: gone = [], edit = null }) {
  Object.assign(object, set);
  for (const name of gone)
    delete object[name];
  edit?.(object);
  return object;
}

/* Reads a three-way knob: the right value, another one, or undefined for none. */
export function choose(knob, right, wrong) {
  switch (knob) {
  case 'right': return right;
  case 'wrong': return wrong;
  case 'missing': return undefined;
  default: return knob.value;
  }
}
