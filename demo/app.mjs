/*
 * The demo application: an ordinary web application that knows nothing of
 * logins. It shows who the gate says is asking, whether the proof of it holds,
 * and every header it received; /headers is the same as JSON.
 *
 *   node app.mjs --port 9091 --issuer https://localhost:8443 \
 *       --jwks https://localhost:8443/.sallyport/jwks.json [--ca FILE]
 *
 * It listens on the loopback address, and ends when its standard input does, so
 * that it never outlives whoever started it.
 */
import http from 'node:http';
import { parseArgs } from 'node:util';
import { assertionVerifier } from './assertion.mjs';

/* The routes of sallyport.json that end here. */
const AUDIENCES = ['app', 'admin', 'api', 'public'];

const places = [
  ['/', 'The front page', 'for engineers and auditors'],
  ['/reports', 'Reports', 'for engineers, and auditors to read'],
  ['/wiki', 'The wiki', 'for engineers, and auditors to read'],
  ['/drafts', 'Drafts', 'for engineers alone'],
  ['/admin', 'Administration', 'for engineers who signed in with a security key in the last ten minutes'],
  ['/api/deploy', 'The deploy service', 'for services with a client certificate'],
  ['/public', 'The public page', 'for everybody, signed in or not'],
  ['/headers', 'The headers, as JSON', 'for engineers and auditors'],
  ['/.sallyport/whoami', 'Who am I?', 'answered by the gate itself'],
];

const identityHeader = /^(x-forwarded-|x-real-ip$|forwarded$|x-request-id$|client-cert|x-sallyport-)/;

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const style = `
:root { color-scheme: light dark; --ink: #17202b; --soft: #55606e; --paper: #fff; --ground: #eef1f5; --line: #d5dbe3;
  --accent: #1d5fbf; --good: #17703c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #eef2f7; --soft: #a9b4c2; --paper: #1b222c; --ground: #10151c;
  --line: #35404e; --accent: #86b6ff; --good: #74d69b; --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 0 0 .75rem; font-size: 1.1rem; }
a { color: var(--accent); }
section { margin-top: 1.25rem; padding: 1.25rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: .875rem; }
p { margin: .375rem 0; color: var(--soft); }
.good, .bad { font-weight: 600; color: var(--good); }
.bad { color: var(--bad); }
ul { margin: 0; padding-left: 1.125rem; }
li { margin: .25rem 0; }
li span { color: var(--soft); }
dl { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .25rem 1rem; margin: 0; font-size: .9rem; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
dt.gate { color: var(--ink); font-weight: 600; }
button { min-height: 2.75rem; padding: 0 1rem; border: 1px solid var(--line); border-radius: .625rem; background: none;
  color: var(--accent); font: inherit; cursor: pointer; }
form { display: inline-block; margin: .75rem .5rem 0 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
`;

/* What is shown of a token: its beginning. The application may hold it, but a page is not the place for it. */
const shown = (name, value) =>
  (name === 'x-sallyport-assertion' ? `${value.slice(0, 24)}... (${value.length} bytes)` : value);

function page(request, { claims, fault }) {
  const { headers, method, url } = request;
  const path = url.split('?')[0];
  const place = places.find(([where]) => where === path)?.[1] ?? 'Some page';
  const who = headers['x-forwarded-preferred-username'] ?? headers['x-forwarded-user'] ?? claims?.sub;
  const verdict = claims
    ? `<p class="good">Verified: signed by the gate, for the route "${escape(claims.aud)}".</p>`
    : `<p class="bad">Not verified: ${escape(fault)}.</p>`;
  const row = (name, value, mark = '') => `<dt${mark}>${escape(name)}</dt><dd>${escape(value)}</dd>`;
  const rows = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name, value] = request.rawHeaders.slice(at, at + 2);
    const key = name.toLowerCase();
    rows.push(row(name, shown(key, value), identityHeader.test(key) ? ' class="gate"' : ''));
  }
  const claimRows = Object.entries(claims ?? {}).map(([name, value]) =>
    row(name, typeof value === 'string' ? value : JSON.stringify(value)));
  const links = places.map(([where, name, whom]) =>
    `<li><a href="${where}">${escape(name)}</a> <span>${escape(whom)}</span></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(place)} - Sallyport demo</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escape(place)}</h1>
<p>${who ? `You are <strong>${escape(who)}</strong>` : 'The application was not told who you are'};
this is ${escape(method)} ${escape(path)}.</p>
<section><h2>Proof</h2>
${verdict}
${claimRows.length > 0 ? `<dl>${claimRows.join('\n')}</dl>` : ''}
</section>
<nav aria-label="Places to try"><section><h2>Try</h2>
<ul>
${links.join('\n')}
</ul>
<form method="post" action="/wiki"><button>Write to the wiki</button></form>
<form method="post" action="/.sallyport/logout"><button>Sign out</button></form>
</section></nav>
<section><h2>What the application received</h2>
<p>The gate wrote the names in bold; what you send under such a name never arrives.</p>
<dl>
${rows.join('\n')}
</dl>
</section>
</main>
</body>
</html>
`;
}

/* The request as JSON, along with what its assertion proved. */
function echo({ method, url, headers }, identity) {
  const shownHeaders = Object.entries(headers).map(([name, value]) => [name, shown(name, value)]);
  return {
    method, target: url, verified: identity.claims !== undefined, ...identity,
    headers: Object.fromEntries(shownHeaders),
  };
}

/* Starts the application; resolves with { port, close() }. */
export async function startApp({ port = 0, jwks, issuer, caFile }) {
  const verifyAssertion = assertionVerifier({ jwks, caFile, issuer, audiences: AUDIENCES });

  /* { claims } or { fault }: one sentence on why the identity is not to be believed. */
  async function identify({ headers }) {
    const token = headers['x-sallyport-assertion'];
    if (token === undefined)
      return { fault: 'there is no assertion' };
    try {
      const claims = await verifyAssertion(token);
      if ((claims.sub ?? '') !== (headers['x-forwarded-user'] ?? ''))
        return { fault: 'the assertion and X-Forwarded-User name different users' };
      return { claims };
    } catch (error) {
      return { fault: `of the assertion, ${error.message}` };
    }
  }

  const server = http.createServer(async (request, response) => {
    request.resume();
    const identity = await identify(request);
    const asJson = request.url.split('?')[0] === '/headers' || request.url.startsWith('/api');
    const body = asJson ? `${JSON.stringify(echo(request, identity), null, 2)}\n` : page(request, identity);
    response.writeHead(200, {
      'content-type': asJson ? 'application/json' : 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.keepAliveTimeout = 75_000;  /* the gate should be the one that closes an unused connection */
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { port: text, jwks: text, issuer: text, ca: text } });
  if (!values.port || !values.jwks || !values.issuer) {
    console.error('usage: node app.mjs --port PORT --jwks URL --issuer ORIGIN [--ca FILE]');
    process.exit(2);
  }
  process.stdin.on('end', () => process.exit(0)).resume();
  startApp({ port: Number(values.port), jwks: values.jwks, issuer: values.issuer, caFile: values.ca }).then(
    ({ port }) => console.log(`listening on ${port}`),
    (error) => { console.error(`the demo application cannot start: ${error.message}`); process.exit(1); });
}
