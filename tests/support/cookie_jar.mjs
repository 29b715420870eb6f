/*
 * A browser's cookie jar (RFC 6265bis), strict about what a browser is strict
 * about: host, path, Secure, the name prefixes and SameSite. A cookie that a
 * browser would refuse is kept in "refused", with the reason, for a test to see.
 */
const pathMatches = (path, prefix) =>
  path === prefix || (path.startsWith(prefix) && (prefix.endsWith('/') || path[prefix.length] === '/'));

const folderOf = (path) => path.slice(0, Math.max(1, path.lastIndexOf('/')));

const domainMatches = (host, domain) => host === domain || host.endsWith(`.${domain}`);

/* Good enough without the public suffix list: the last two labels, or the whole address. */
export function siteOf({ protocol, hostname }) {
  const site = /^[\d.]+$|:/.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.');
  return `${protocol}//${site}`;
}

function parse(line) {
  const [pair, ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), line };
  for (const attribute of attributes) {
    const [name, ...rest] = attribute.split('=');
    cookie[name.toLowerCase()] = rest.length > 0 ? rest.join('=') : true;
  }
  return cookie;
}

export class CookieJar {
  constructor() {
    this.cookies = [];
    this.refused = [];
  }

  /* Takes one Set-Cookie line that came from this URL. */
  set(url, line) {
    const given = parse(line);
    const reason = this.#fault(url, given);
    if (reason) {
      this.refused.push({ ...given, reason });
      return;
    }
    const cookie = {
      name: given.name, value: given.value, line,
      host: given.domain?.replace(/^\./, '').toLowerCase() ?? url.hostname, hostOnly: !given.domain,
      path: given.path?.startsWith?.('/') ? given.path : folderOf(url.pathname),
      secure: given.secure === true, httpOnly: given.httponly === true,
      sameSite: (given.samesite || 'lax').toLowerCase(),
      expires: expiryOf(given),
    };
    this.cookies = this.cookies.filter((one) =>
      !(one.name === cookie.name && one.host === cookie.host && one.path === cookie.path));
    if (cookie.expires > Date.now())
      this.cookies.push(cookie);
  }

  #fault({ protocol, hostname }, { name, value, domain, path, secure, samesite }) {
    const tls = protocol === 'https:';
    if (name === '')
      return 'no name';
    if (name.length + value.length > 4096)
      return 'longer than 4096 bytes';
    if (secure && !tls)
      return 'Secure, but not from https';
    if (/^__secure-/i.test(name) && !secure)
      return '__Secure- without Secure';
    if (/^__host-/i.test(name) && !(secure && path === '/' && domain === undefined))
      return '__Host- wants Secure, Path=/ and no Domain';
    if (domain && !domainMatches(hostname, domain.replace(/^\./, '').toLowerCase()))
      return 'a foreign Domain';
    if (/^none$/i.test(samesite ?? '') && !secure)
      return 'SameSite=None without Secure';
    return undefined;
  }

  /* The cookies that go to this URL; cross says that another site is behind the request. */
  matching(url, { cross = false, method = 'GET', navigation = true } = {}) {
    const safe = navigation && (method === 'GET' || method === 'HEAD');
    this.cookies = this.cookies.filter(({ expires }) => expires > Date.now());
    return this.cookies.filter((cookie) =>
      (cookie.hostOnly ? url.hostname === cookie.host : domainMatches(url.hostname, cookie.host))
      && pathMatches(url.pathname, cookie.path)
      && (!cookie.secure || url.protocol === 'https:')
      && (!cross || cookie.sameSite === 'none' || (cookie.sameSite === 'lax' && safe)));
  }

  /* The Cookie header for a request, or undefined; longer paths first. */
  header(url, how) {
    const pairs = this.matching(url, how)
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`);
    return pairs.length > 0 ? pairs.join('; ') : undefined;
  }

  get(name) {
    return this.cookies.find((cookie) => cookie.name === name);
  }
}

function expiryOf({ 'max-age': maxAge, expires }) {
  if (maxAge !== undefined)
    return Number(maxAge) > 0 ? Date.now() + Number(maxAge) * 1000 : 0;
  return expires ? Date.parse(expires) : Infinity;
}
