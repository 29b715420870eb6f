/*
 * Puts an answer on the wire, or spoils it on the way: late, in drips, cut,
 * reset, endless, or from somewhere else. What an answer says is the business
 * of endpoints.mjs; how it arrives is decided here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { patch } from './knobs.mjs';

/* The text of a JSON object with some members written a second time, after the others. */
function jsonText(object, duplicate) {
  const text = JSON.stringify(object);
  const again = Object.entries(duplicate)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value === true ? object[name] : value)}`);
  return again.length === 0 ? text : `${text.slice(0, -1)},${again.join()}}`;
}

function bodyOf({ json, html }, knobs) {
  if (knobs.body !== null)
    return { body: knobs.body, type: 'application/json' };
  if (json !== undefined)
    return { body: jsonText(patch({ ...json }, knobs), knobs.duplicate), type: 'application/json' };
  return { body: html ?? '', type: 'text/html; charset=utf-8' };
}

/* A JSON object whose one member is very long, written as fast as the reader takes it and no faster. */
async function sendGiant(response, bytes) {
  const chunk = Buffer.alloc(64 * 1024, 'a');
  response.write('{"padding":"');
  for (let left = bytes; left > 0 && !response.destroyed; left -= chunk.length)
    if (!response.write(chunk.subarray(0, Math.min(left, chunk.length))))
      await new Promise((resolve) => {
        const done = () => {
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.on('drain', done).on('close', done);
      });
  response.end('"}');
}

async function sendDrips(response, body, { bytes, everyMs }) {
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes));
    await sleep(everyMs);
  }
  response.end();
}

function reset(socket) {
  try {
    socket.resetAndDestroy();
  } catch {  /* over TLS there is no TCP handle to reset by */
    socket.destroy();
  }
}

/* Sends { status, headers, json | html } as the endpoint's knobs say. */
export async function send(response, answer, knobs) {
  if (knobs.delayMs === Infinity)
    return;  /* silence: the client gives up, or the provider is closed */
  if (knobs.delayMs > 0)
    await sleep(knobs.delayMs);
  if (response.destroyed)
    return;

  const { body: text, type } = bodyOf(answer, knobs);
  const body = Buffer.from(text);
  response.writeHead(knobs.status || answer.status || 200, {
    'cache-control': 'no-store',
    'content-type': knobs.type || type,
    ...(!knobs.giantBytes && { 'content-length': body.length }),
    ...answer.headers, ...knobs.headers,
  });
  const cut = knobs.resetAt ?? knobs.truncateAt;
  if (knobs.giantBytes)
    await sendGiant(response, knobs.giantBytes);
  else if (knobs.drip)
    await sendDrips(response, body, knobs.drip);
  else if (cut === null)
    response.end(body);
  else {
    /* write() calls back when the bytes are with the kernel; the pause lets the peer read them before a reset */
    const { socket } = response;
    response.flushHeaders();
    response.write(body.subarray(0, cut), async () => {
      if (knobs.resetAt === null)
        return socket.destroySoon();
      await sleep(20);
      reset(socket);
    });
  }
}

/* The redirect an endpoint's knobs put before its answer, or undefined when it is the answer's turn. */
export function detour(call, knobs) {
  const hop = Number(call.query.get('hop') ?? 0);
  if (!knobs.redirectTo && hop >= knobs.redirects)
    return undefined;
  const query = new URLSearchParams(call.query);
  query.set('hop', hop + 1);
  return { status: 307, headers: { location: knobs.redirectTo || `${call.path}?${query}` }, html: '' };
}
