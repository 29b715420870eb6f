/*
 * Canaries: every secret value that passes through a test is registered here, and
 * what the product wrote (logs, errors, metrics, pages) is searched for it, as it
 * was and in the encodings it could have slipped out in.
 */
const secrets = new Map();  /* value -> kind */

/* Too short to be searched for without finding it by accident. */
const SHORTEST = 8;

/* Remembers a secret, and returns it. Fits the provider's onSecret. */
export function registerSecret(kind, value) {
  if (typeof value === 'string' && value.length >= SHORTEST)
    secrets.set(value, kind);
  return value;
}

export function forgetSecrets() {
  secrets.clear();
}

/* The forms to search for; of a JWT also the signature alone, of which no part may be shown. */
function formsOf(value) {
  const bytes = Buffer.from(value);
  const parts = value.split('.');
  return new Set([
    value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'),
    ...(parts.length === 3 && parts[2].length > 2 * SHORTEST ? [parts[2]] : []),
  ]);
}

/* Throws, naming the kind but not the value, when the text holds a registered secret. */
export function assertNoSecrets(text, where = 'the output') {
  const haystack = String(text);
  for (const [value, kind] of secrets)
    for (const form of formsOf(value)) {
      const at = haystack.indexOf(form);
      if (at >= 0)
        throw new Error(`${where} holds a ${kind}, in the line ${lineAround(haystack, at, form)}`);
    }
}

function lineAround(text, at, form) {
  const from = text.lastIndexOf('\n', at) + 1;
  const to = text.indexOf('\n', at);
  return JSON.stringify(text.slice(from, to < 0 ? undefined : to).replaceAll(form, '<the secret>').slice(0, 400));
}
