/*
 * A browser as far as an access proxy can tell: a cookie jar, navigations with
 * the headers a browser sends, redirects followed one by one over several
 * origins, forms. Whatever the host, it connects to the loopback address.
 *
 *   const browser = new Browser({ ca });
 *   const page = await browser.login(`${gate.origin('public')}/wiki`, { as: 'ada' });
 *   assert.equal(page.status, 200);
 */
import { request } from './client.mjs';
import { CookieJar, siteOf } from './cookie_jar.mjs';
import { registerSecret } from './secrets.mjs';

const HOPS_MAX = 20;

const navigation = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'upgrade-insecure-requests': '1',
  'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-user': '?1',
};

const background = {
  accept: '*/*', 'accept-language': 'en', 'user-agent': navigation['user-agent'],
  'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty',
};

export class Browser {
  /*
   *   ca, cert, key  PEM for TLS: whom to trust, and a client certificate
   *   connect        { 'host:port': { port, address } } for hosts that live elsewhere than on their URL's port
   */
  constructor({ ca, cert, key, connect = {} } = {}) {
    this.tls = { ca, cert, key };
    this.connect = connect;
    this.jar = new CookieJar();
    this.url = null;  /* the page we are on */
  }

  /* Navigates, as if the address were typed in; options as for go(). */
  get(url, options = {}) {
    return this.go('GET', new URL(url), { ...options, initiator: null });
  }

  /* Posts a form, as if from a page of "from", by default of the same origin. */
  post(url, fields = {}, { from = url, ...options } = {}) {
    const form = new URLSearchParams(fields).toString();
    return this.go('POST', new URL(url), { ...options, form, initiator: new URL(from) });
  }

  /* What a script of the page does: no navigation, no redirect followed. */
  fetch(url, { method = 'GET', headers = {}, body = '', from = url } = {}) {
    const [target, initiator] = [new URL(url), new URL(from)];
    return this.#send(method, target, {
      headers, body, initiator, navigate: false, cross: siteOf(initiator) !== siteOf(target),
    });
  }

  /*
   * Sends and follows. The response also tells url, where it came from at last,
   * and hops, every exchange on the way.
   *
   *   follow   false, or (url) => false, stops before that redirect
   *   visit    (url) => url: a last word on where each redirect goes
   *   headers  more of them, for the first request alone
   */
  async go(method, url, { follow = true, visit = (next) => next, headers = {}, form = '', initiator }) {
    const hops = [];
    let [verb, body, target, more] = [method, form, visit(url), headers];
    let cross = initiator !== null && siteOf(initiator) !== siteOf(target);
    for (;;) {
      const response = await this.#send(verb, target, { headers: more, body, initiator, navigate: true, cross });
      const location = response.header('location');
      hops.push({ method: verb, url: target, status: response.status, location, response });
      Object.assign(response, { url: target, hops });
      this.url = target;
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      const next = redirected && visit(new URL(location, target));
      if (!redirected || follow === false || (typeof follow === 'function' && !follow(next)))
        return response;
      if (hops.length >= HOPS_MAX)
        throw new Error(`a redirect loop: ${hops.slice(-4).map((hop) => hop.url.href).join(' -> ')}`);
      if (![307, 308].includes(response.status) && verb !== 'HEAD')
        [verb, body] = ['GET', ''];
      cross ||= siteOf(next) !== siteOf(target);
      [target, more] = [next, {}];
    }
  }

  /* Goes to the URL and through the provider's page as this user ('ada', or 'ada/strong'). */
  login(url, { as = 'ada', ...options } = {}) {
    const visit = (next) => {
      if (next.pathname.endsWith('/authorize') && next.searchParams.has('client_id'))
        next.searchParams.set('auto', as);
      return next;
    };
    return this.go('GET', new URL(url), { ...options, visit, initiator: null });
  }

  /* Submits a form of the page a response holds, with other or more fields: the index-th form there. */
  submit(response, fields = {}, { index = 0, ...options } = {}) {
    const [form, ...rest] = [...response.text.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].slice(index);
    if (!form)
      throw new Error(`the page has no form ${index}, and ${rest.length} after it`);
    const kept = [...form[2].matchAll(/<input\b[^>]*>/g)]
      .map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value') ?? ''])
      .filter(([name]) => name !== undefined);
    const action = new URL(attribute(form[1], 'action') ?? '', response.url);
    const all = { ...Object.fromEntries(kept), ...fields };
    if ((attribute(form[1], 'method') ?? 'get').toLowerCase() === 'post')
      return this.post(action, all, { ...options, from: response.url });
    action.search = new URLSearchParams(all);
    return this.go('GET', action, { ...options, initiator: response.url });
  }

  async #send(method, url, { headers, body, initiator, navigate, cross }) {
    const cookie = this.jar.header(url, { cross, method, navigation: navigate });
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const relation = !initiator ? 'none' : siteOf(initiator) !== siteOf(url) || cross ? 'cross-site'
      : initiator.origin === url.origin ? 'same-origin' : 'same-site';
    const all = {
      host: url.host,
      ...(navigate ? navigation : background),
      'sec-fetch-site': relation,
      ...(cookie && { cookie }),
      ...(initiator && method !== 'GET' && { origin: initiator.origin }),
      ...(body && navigate && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    };
    const response = await request({
      port, ...this.connect[`${url.hostname}:${port}`],
      method, target: url.pathname + url.search, headers: all, body,
      ...(url.protocol === 'https:' && { tls: { ...this.tls, servername: serverName(url) } }),
    });
    if (!response)
      throw new Error(`${url.origin} closed without an answer`);
    for (const line of response.all('set-cookie')) {
      this.jar.set(url, line);
      registerSecret('cookie', /^[^=;]*=([^;]*)/.exec(line)?.[1]);
    }
    return response;
  }
}

const serverName = ({ hostname }) => (/^[\d.]+$|:/.test(hostname) ? undefined : hostname);

function attribute(tag, name) {
  const [, quoted, bare] = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|([^\\s>"]+))`, 'i').exec(tag) ?? [];
  return (quoted ?? bare)
    ?.replace(/&#(x?)([0-9a-f]+);/gi, (_, hex, digits) => String.fromCodePoint(parseInt(digits, hex ? 16 : 10)))
    .replace(/&(quot|lt|gt|amp);/g, (_, entity) => ({ quot: '"', lt: '<', gt: '>', amp: '&' })[entity]);
}
