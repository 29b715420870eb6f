/*
 * The few pages a person sees of the development provider. They carry their own
 * style, load nothing, and work without a script, on a phone, in the dark and
 * with a keyboard or a screen reader alone.
 */
import { randomId } from './jose.mjs';

export const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const style = `
:root { color-scheme: light dark; --ink: #17202b; --soft: #55606e; --paper: #fff; --ground: #eef1f5; --line: #d5dbe3;
  --accent: #1d5fbf; --badge: #e3ecf9; }
@media (prefers-color-scheme: dark) { :root { --ink: #eef2f7; --soft: #a9b4c2; --paper: #1b222c; --ground: #10151c;
  --line: #35404e; --accent: #86b6ff; --badge: #26364d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem 1.5rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 1rem; box-shadow: 0 .5rem 2rem rgb(0 0 0 / .08); }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
button { display: flex; gap: .875rem; align-items: center; width: 100%; min-height: 3.5rem; padding: .5rem .875rem;
  border: 1px solid var(--line); border-radius: .75rem; background: none; color: inherit; font: inherit;
  text-align: start; cursor: pointer; }
button:hover { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button b { display: block; }
button small { color: var(--soft); font-size: .875rem; }
.badge { flex: none; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%;
  background: var(--badge); color: var(--accent); font-weight: 700; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .8125rem; }
`;

/* A page and the policy that lets it load its own style, and its own script if it has one, and nothing else. */
function page(title, content, { script = '' } = {}) {
  const nonce = randomId(12);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>
${content}
<footer>Development OpenID provider. It asks for no password: never expose it.</footer>
</main>
${script && `<script nonce="${nonce}">${script}</script>\n`}</body>
</html>
`;
  return { html, headers: {
    'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; ${script
      && `script-src 'nonce-${nonce}'; `}frame-ancestors 'none'; base-uri 'none'`,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  } };
}

const hidden = (pairs) => pairs
  .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`).join('\n');

/* One button per user, and one more for whoever has a stronger way to sign in; the hinted user comes first. */
export function loginPage({ client, params, users, action }) {
  const hint = params.get('login_hint');
  const hinted = ({ login, claims }) => hint !== null && (login === hint || claims.email === hint);
  const again = params.has('max_age') || params.has('acr_values') || (params.get('prompt') ?? '').includes('login');
  const buttons = [...users].sort((a, b) => hinted(b) - hinted(a)).flatMap((user) => {
    const plain = { value: user.login, user, more: user.claims.groups ? `group ${user.claims.groups.join(', ')}` : '' };
    const strong = user.strong && { value: `${user.login}/strong`, user, more: user.strong.label };
    return (again ? [strong, plain] : [plain, strong]).filter(Boolean);
  }).map(({ value, user: { claims: { name }, title }, more }) => `<li><button name="auto" value="${escape(value)}">
<span class="badge" aria-hidden="true">${escape(name[0])}</span>
<span><b>Sign in as ${escape(name)}, ${escape(title)}</b> <small>${escape(more)}</small></span>
</button></li>`);
  const kept = [...params].filter(([name]) => name !== 'auto');
  const wish = again ? ', which wants a fresh or stronger sign-in' : '';
  return page('Sign in', `<h1>Sign in</h1>
<p>You go on to ${escape(client.name ?? client.client_id)}${wish}.</p>
<form method="post" action="${escape(action)}">
${hidden(kept)}
<ul>
${buttons.join('\n')}
</ul>
</form>`);
}

export const problemPage = (text) => page('This cannot go on', `<h1>This cannot go on</h1>\n<p>${escape(text)}</p>`);

export const signedOutPage = () =>
  page('Signed out', '<h1>Signed out</h1>\n<p>Your session with this provider has ended.</p>');

/* The authorization response as a form that posts itself (OAuth 2.0 Form Post Response Mode). */
export const formPostPage = (action, pairs) => page('One moment', `<h1>One moment</h1>
<form method="post" action="${escape(action)}">
${hidden(pairs)}
<button>Continue</button>
</form>`, { script: 'document.forms[0].submit()' });

/* What stands at the root: which issuers there are. */
export const indexPage = (cases) => page('Development provider', `<h1>Development provider</h1>
<p>Issuers served here:</p>
<ul>
${cases.map((c) => `<li><code>${escape(c.issuer)}</code></li>`).join('\n')}
</ul>`);
