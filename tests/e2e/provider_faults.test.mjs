/*
 * The catalogue of faults, through the gate: each sound provider lets people in,
 * each that is wrong in one way does not, and nothing is done with what it said.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cases } from '../support/provider/cases.mjs';
import { anyone, assertRefused, providerConfig, route, startSite } from '../support/site.mjs';

const SESSION = '__Host-sallyport';
const PROVIDERS_MAX = 64;  /* of one configuration */

/* What the person sees: the response, or code, that cannot be is 400, the provider's "no" 403, the rest is the provider's fault. */
function statusesOf(id) {
  if (/^(state|code|response-iss)-|^token-invalid-grant$/.test(id))
    return [400];
  if (id === 'access-denied')
    return [403];
  return [502, 503];
}

/* How far the login must have got, or it was refused for another reason than the one in question. */
function reachedBy({ expect, never }) {
  const first = ['authorize', 'token', 'userinfo'].find((endpoint) => never.includes(endpoint));
  return { authorize: 'discovery', token: 'authorize', userinfo: 'token' }[first] ?? (expect === 'either' ? 'token' : 'userinfo');
}

/* Faults of the person's own address bar need no line for the operator that names the provider. */
const isProviders = (id) => statusesOf(id).includes(502);

/* RSA keys take their time, and nobody is to wait for those of another. */
const withKeys = (one) => one.keys && one;

async function enter(site, id) {
  const browser = site.browser();
  const page = await browser.login(`${site.origin}/${id}/page`);
  return { browser, page, seen: site.upstream.requests.filter(({ target }) => target.startsWith(`/${id}/`)) };
}

const judge = {
  accept(site, { page, seen }) {
    assert.equal(page.status, 200, `${page.text}\n${site.gate.stderr.slice(-1500)}`);
    assert.equal(seen.length, 1);
    const { last } = site.upstream;
    assert.equal(last.header('x-forwarded-user'), 'user-ada-5f0c2a');
    assert.equal(last.header('x-forwarded-email'), 'ada@example.com');
    assert.equal(last.header('x-forwarded-groups'), 'eng');
  },

  async refuse(site, { browser, page, seen }, { id, expect, never }, from) {
    assertRefused(page, page.status, { assertUntouched: () => assert.equal(seen.length, 0) });
    assert.ok(statusesOf(id).includes(page.status), `${page.status}\n${page.text}\n${site.gate.stderr.slice(from)}`);
    assert.match(page.text, /sign-in failed/i);
    assert.equal(browser.jar.get(SESSION), undefined, 'there is a session');
    assert.ok(!page.hops.some(({ response }) => response.all('set-cookie').some((line) => line.startsWith(`${SESSION}=`))));
    assert.ok(site.provider.calls(id, reachedBy({ expect, never })).length > 0, `${reachedBy({ expect, never })} was not called`);
    for (const endpoint of never)
      assert.equal(site.provider.calls(id, endpoint).length, 0, `${endpoint} was called`);
    const line = await site.gate.logLine(({ request_id: one }) => page.text.includes(one));
    assert.deepEqual([line.status, line.reason, line.user], [page.status, 'login_failed', '']);
    if (isProviders(id)) {
      const said = await site.gate.waitForStderr(new RegExp(`(error|warning) .*\\b${id}\\b`), { from });
      assert.doesNotMatch(said, /\buser-ada/, 'nobody is signed in');
    }
    const again = await browser.get(`${site.origin}/${id}/page`, { follow: false });
    assert.notEqual(again.status, 200, 'the application is open afterwards');
  },

  async either(site, outcome, one, from) {
    return outcome.page.status === 200 ? this.accept(site, outcome) : this.refuse(site, outcome, one, from);
  },
};

const parts = [];
for (let at = 0; at < cases.length; at += PROVIDERS_MAX)
  parts.push(cases.slice(at, at + PROVIDERS_MAX));

for (const [index, part] of parts.entries())
  describe(`a provider and its one peculiarity (${index + 1} of ${parts.length})`, () => {
    let site;
    before(async () => {
      site = await startSite({
        name: 'faults',
        identity: (provider) => part.map(({ id, never, knobs }) => ({
          ...providerConfig(withKeys(provider.case(id, knobs)).issuer), name: id, timeout: '3s',
          /* to call userinfo is then the sound thing to do, unless something was wrong before */
          ...(never.includes('userinfo') && { userinfo: 'always' }),
        })),
        routes: part.map(({ id }) => route(id, { path: `/${id}`, provider: id, policy: 'anyone' })),
        policies: { anyone },
      });
    });
    after(() => site?.stop());

    for (const one of part)
      test(`${one.id}: ${one.expect}`, async () => {
        const from = site.gate.stderr.length;
        const outcome = await enter(site, one.id);
        await judge[one.expect](site, outcome, one, from);
        assert.ok(site.provider.calls(one.id, 'token').length <= 1, 'the code was sent twice');
        for (const { search, headers } of site.provider.calls(one.id))
          assert.ok(!/access_token=|client_secret=/.test(search) && !(headers.referer ?? '').includes('code='), search);
      });
  });
