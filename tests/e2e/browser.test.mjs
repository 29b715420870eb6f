/*
 * A real browser: Debian's Chromium clicks its way through the gate and its pages.
 * What it would complain about (its console, a blocked style, a request to a
 * stranger) fails the test; pictures of every page are left in build/reports/screens.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startApp } from '../../demo/app.mjs';
import { freePorts } from '../support/gate.mjs';
import { users } from '../support/provider/users.mjs';
import { registerSecret } from '../support/secrets.mjs';
import { providerConfig, publicRoute, route, startSite, tlsListener } from '../support/site.mjs';

const screens = fileURLToPath(new URL('../../build/reports/screens', import.meta.url));

/* Of the looks a person may have chosen, and a name long enough to test the layout. */
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1024, height: 720 } },
  dark: { colorScheme: 'dark', viewport: { width: 1024, height: 720 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  'dark-phone': { colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
};
const longName = 'Maximiliane-Wilhelmine von und zu Hohenlohe-Waldenburg-Schillingsfuerst';
const cast = [...users, { login: 'max', title: 'engineer', amr: ['pwd'], acr: '1', claims: {
  sub: 'f3b1c2d4e5f60718293a4b5c6d7e8f90@tenant.directory.example.com', name: longName, preferred_username: 'max',
  email: 'maximiliane-wilhelmine.hohenlohe-waldenburg-schillingsfuerst@research.example.com', email_verified: true,
  groups: ['eng', ...Array.from({ length: 30 }, (_, i) => `division-${i}-readers`)],
} }];

let site, app, chrome;
before(async () => {
  mkdirSync(screens, { recursive: true });
  const [port, closed] = await freePorts(2);
  const origin = `https://localhost:${port}`;
  app = await startApp({ jwks: `${origin}/.sallyport/jwks.json`, issuer: origin });
  site = await startSite({
    name: 'browser', users: cast, knobs: { authorize: { remember: false } },
    listeners: [tlsListener({ address: `127.0.0.1:${port}` })],
    identity: (provider) => [
      providerConfig(provider.origin),
      { ...providerConfig(provider.case('lying', { idToken: { nonce: 'wrong' } }).issuer), name: 'lying' },
      { ...providerConfig(`http://127.0.0.1:${closed}`), name: 'away', timeout: '1s' },
    ],
    upstreams: () => [
      { name: 'demo', servers: [{ url: `http://127.0.0.1:${app.port}` }] },
      { name: 'down', servers: [{ url: `http://127.0.0.1:${closed}` }] },
    ],
    routes: [
      route('app', { upstream: 'demo' }), route('down', { path: '/down', upstream: 'down' }),
      route('lying', { path: '/lying', provider: 'lying' }), route('away', { path: '/away', provider: 'away' }),
      publicRoute('recorded', { path: '/recorded' }),
    ],
  });
  chrome = await chromium.launch({
    executablePath: '/usr/bin/chromium', headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
});
after(async () => {
  await chrome?.close();
  await site?.stop();
  await app?.close();
});
beforeEach(() => site.upstream.forget());

const at = (place) => `${site.origin}${place}`;
const demo = () => site.gate.accessLog().filter(({ route: name, status }) => name === 'app' && status === 200);

/* A person with a fresh profile; "complaints": what the browser found wrong, "strangers": whom it talked to besides. */
class Visitor {
  static async arrive(t, look = 'light') {
    const visitor = new Visitor();
    visitor.context = await chrome.newContext({ ignoreHTTPSErrors: true, ...looks[look] });
    t.after(() => visitor.context.close());
    visitor.page = await visitor.context.newPage();
    visitor.complaints = [];
    visitor.strangers = [];
    const known = [site.origin, site.provider.origin];
    visitor.page.on('console', (message) => visitor.hear(message.type(), message.text(), message.location().url));
    visitor.page.on('pageerror', (error) => visitor.complaints.push(String(error)));
    visitor.page.on('request', (request) => {
      if (!known.includes(new URL(request.url()).origin))
        visitor.strangers.push(request.url());
    });
    return visitor;
  }

  /* An error status is said on the console too: of a page it is what was asked for, and an icon nobody asked for. */
  hear(type, text, url) {
    const isStatus = /^Failed to load resource: the server responded with a status of/.test(text);
    const isIcon = text.startsWith(`Loading the image '${at('/favicon.ico')}' violates`);
    if (!isIcon && (!isStatus || ![this.page.url(), at('/favicon.ico')].includes(url)))
      this.complaints.push(`${type}: ${text} (${url})`);
  }

  async signIn(place, name = 'Ada') {
    await this.page.goto(at(place));
    assert.equal(new URL(this.page.url()).origin, site.provider.origin);
    await this.choose(name);
  }

  choose(name) {
    const button = this.page.getByRole('button', { name: new RegExp(`Sign in as ${name}`) }).first();
    return Promise.all([this.page.waitForURL((url) => url.origin === site.origin), button.click()]);
  }

  /* Clicks, and waits until the page it leads to is there whole. */
  press(role, name) {
    return Promise.all([this.page.waitForEvent('load'), this.page.getByRole(role, { name }).click()]);
  }

  /* The page has its style, and nothing of it leaves the window sideways. */
  async assertLaidOut() {
    const found = await this.page.evaluate(() => ({
      radius: getComputedStyle(document.querySelector('main')).borderTopLeftRadius,
      sheets: document.styleSheets.length,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      controls: [...document.querySelectorAll('button, a')].map((one) => one.getBoundingClientRect().height),
    }));
    assert.notEqual(found.radius, '0px', 'the style sheet applies');
    assert.equal(found.sheets, 1);
    assert.ok(found.overflow <= 0, `${found.overflow} px too wide`);
    assert.ok(found.controls.every((height) => height >= 40), `to be hit with a finger: ${found.controls} px high`);
  }

  assertContent() {
    assert.deepEqual(this.complaints, [], 'the console is empty');
    assert.deepEqual(this.strangers, [], 'nobody else was asked for anything');
  }
}

const heading = (page) => page.locator('h1').innerText();

describe('a person with a browser', () => {
  test('comes back to the page they asked for, signed in', async (t) => {
    const visitor = await Visitor.arrive(t);
    const { page } = visitor;
    await visitor.signIn('/deep/page?x=1');
    assert.equal(page.url(), at('/deep/page?x=1'));
    assert.match(await page.locator('main').innerText(), /You are ada\b/);
    const cookies = await visitor.context.cookies(site.origin);
    assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite, expires }) =>
      ({ name, httpOnly, secure, sameSite, expires })),
    [{ name: '__Host-sallyport', httpOnly: true, secure: true, sameSite: 'Lax', expires: -1 }]);
    assert.equal(await page.evaluate(() => document.cookie), '');
    cookies.forEach(({ value }) => registerSecret('session cookie', value));

    await visitor.press('link', 'Who am I?');
    assert.equal(await heading(page), 'Who am I?');
    const facts = await page.locator('dl').innerText();
    for (const fact of ['Ada', 'user-ada-5f0c2a', 'ada@example.com', 'eng', 'corp'])
      assert.ok(facts.includes(fact), `${fact} in ${facts}`);

    await visitor.press('button', 'Sign out');
    assert.equal(await heading(page), 'You are signed out');
    assert.deepEqual(await visitor.context.cookies(site.origin), []);
    await visitor.press('link', 'Sign in again');
    assert.equal(new URL(page.url()).origin, site.provider.origin);
    visitor.assertContent();
  });

  test('is told why they may not, and can go and come back as somebody else', async (t) => {
    const visitor = await Visitor.arrive(t);
    const { page } = visitor;
    const seen = demo().length;
    await visitor.signIn('/deep/page?x=1', 'Cory');
    assert.equal(await heading(page), 'Access denied');
    const text = await page.locator('main').innerText();
    assert.match(text, /Contractors use the partner portal\./);
    assert.match(text, /signed in as cory@partner\.example/);
    const id = await page.locator('footer code').innerText();
    const line = await site.gate.logLine((one) => one.request_id === id);
    assert.deepEqual([line.status, line.reason, line.rule, line.user],
      [403, 'denied', 'no-contractors', 'user-cory-91be07']);
    assert.equal(demo().length, seen, 'the application knows nothing of it');

    await visitor.press('button', 'Sign out');
    assert.equal(await heading(page), 'You are signed out');
    await visitor.signIn('/deep/page?x=1', 'Ada');
    assert.match(await page.locator('main').innerText(), /You are ada\b/);
    visitor.assertContent();
  });

  test('signs out with the button of the application', async (t) => {
    const visitor = await Visitor.arrive(t);
    await visitor.signIn('/');
    await visitor.press('button', 'Sign out');
    assert.equal(await heading(visitor.page), 'You are signed out');
    visitor.assertContent();
  });

  test('opens two tabs before signing in, and both arrive', async (t) => {
    const visitor = await Visitor.arrive(t);
    const second = await visitor.context.newPage();
    await Promise.all([visitor.page.goto(at('/first?tab=1')), second.goto(at('/second?tab=2'))]);
    await visitor.choose('Ada');
    await Promise.all([second.waitForURL((url) => url.origin === site.origin),
      second.getByRole('button', { name: /Sign in as Ada/ }).first().click()]);
    assert.deepEqual([visitor.page.url(), second.url()], [at('/first?tab=1'), at('/second?tab=2')]);
    visitor.assertContent();
  });

  test('goes back in the history to the callback, and is not lost', async (t) => {
    const visitor = await Visitor.arrive(t);
    await visitor.signIn('/deep/page?x=1');
    await visitor.page.goto(at('/.sallyport/whoami'));
    await visitor.page.goBack();
    assert.equal(visitor.page.url(), at('/deep/page?x=1'));
    assert.match(await visitor.page.locator('main').innerText(), /You are ada\b/);
    visitor.assertContent();
  });

  test('a page of another site cannot sign them out, or post in their name unseen', async (t) => {
    const visitor = await Visitor.arrive(t);
    const { page } = visitor;
    await visitor.signIn('/');
    await page.goto(site.provider.origin);
    await page.evaluate((action) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action });
      document.body.append(form);
      form.submit();
    }, at('/.sallyport/logout'));
    await page.waitForURL((url) => url.origin === site.origin);
    assert.notEqual(await heading(page), 'You are signed out');
    await page.goto(at('/.sallyport/whoami'));
    assert.equal(await heading(page), 'Who am I?');
  });
});

/* How to come to each of the gate's pages: [name, heading, way there]. */
const pages = [
  ['denied', 'Access denied', (visitor) => visitor.signIn('/deep/page', 'Cory')],
  ['whoami', 'Who am I?', (visitor) => visitor.signIn('/.sallyport/login?rd=/.sallyport/whoami')],
  ['whoami-long', 'Who am I?', (visitor) => visitor.signIn('/.sallyport/login?rd=/.sallyport/whoami', 'Maximiliane')],
  ['signed-out', 'You are signed out', async (visitor) => {
    await visitor.signIn('/.sallyport/login?rd=/.sallyport/whoami');
    await visitor.press('button', 'Sign out');
  }],
  ['sign-in-failed', 'Sign-in failed', (visitor) => visitor.signIn('/lying/page')],
  ['sign-in-unavailable', 'Sign-in failed', (visitor) => visitor.page.goto(at('/away'))],
  ['error-upstream', /./, (visitor) => visitor.signIn('/down')],
  ['error-callback', /./, (visitor) => visitor.page.goto(at('/.sallyport/callback?code=x&state=y'))],
  ['error-not-found', /./, (visitor) => visitor.page.goto(at('/.sallyport/nothing-here'))],
];

describe('the gate\'s own pages', () => {
  for (const look of Object.keys(looks))
    for (const [name, title, way] of pages)
      test(`${name}, ${look}`, async (t) => {
        const visitor = await Visitor.arrive(t, look);
        await way(visitor);
        const { page } = visitor;
        await page.waitForLoadState('load');
        if (title instanceof RegExp)
          assert.match(await heading(page), title);
        else
          assert.equal(await heading(page), title);
        assert.equal(await page.locator('main').count(), 1);
        assert.equal(await page.locator('script').count(), 0);
        await visitor.assertLaidOut();
        await page.screenshot({ path: path.join(screens, `${name}-${look}.png`), fullPage: true });
        visitor.assertContent();
      });
});
