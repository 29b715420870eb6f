/*
 * The recording upstream: what the application behind the gate saw, byte for
 * byte, and what it must not have seen. It speaks HTTP/1.1 on bare sockets and is
 * as suspicious as an application would need to be: anything two parsers could
 * read in two ways is kept in "faults".
 *
 *   const upstream = await startUpstream({ handler: (request) => ({ status: 201, body: request.target }) });
 *   ...
 *   upstream.assertUntouched();
 */
import net from 'node:net';
import tls from 'node:tls';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ByteStream } from './byte_stream.mjs';

/* A request as it arrived: head (the bytes), method, target, version, headers (pairs, in order), body. */
class Request {
  constructor(head, connection) {
    this.time = Date.now();
    this.connection = connection;  /* its number; the same number is the same socket */
    this.head = head;
    this.body = Buffer.alloc(0);
    this.faults = [];
    const [line, ...lines] = head.toString('latin1').slice(0, -4).split('\r\n');
    [this.method, this.target, this.version] = line.split(' ');
    if (!/^[A-Z]+ [\x21-\x7e]+ HTTP\/1\.1$/.test(line))
      this.faults.push(`the request line ${JSON.stringify(line)}`);
    this.headers = lines.map((text) => {
      const colon = text.indexOf(':');
      if (!/^[!#$%&'*+.^`|~\w-]+:[^\r\n\0]*$/.test(text))
        this.faults.push(`the header line ${JSON.stringify(text)}`);
      return [text.slice(0, colon), text.slice(colon + 1).trim()];
    });
    for (const name of ['host', 'content-length', 'transfer-encoding'])
      if (this.all(name).length > 1)
        this.faults.push(`${name} came ${this.all(name).length} times`);
    if (this.all('host').length === 0)
      this.faults.push('no Host');
    if (this.all('content-length').length > 0 && this.all('transfer-encoding').length > 0)
      this.faults.push('Content-Length beside Transfer-Encoding');
  }

  all(name) {
    return this.headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /* All values of a header joined, or undefined. */
  header(name) {
    return this.all(name).join(', ') || undefined;
  }

  /* The headers that an application which folds names, as CGI does, would take for this one. */
  folded(name) {
    const fold = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, '-');
    return this.headers.filter(([one]) => fold(one) === fold(name)).map(([, value]) => value);
  }
}

/* The bytes of { status, reason, headers (an object or pairs), body, chunked, close }. */
export function responseBytes(answer, method = 'GET') {
  const { status = 200, reason = 'OK', headers = {}, body = '', chunked = false, close = false } = answer;
  const bytes = Buffer.from(body);
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const bodiless = status === 204 || status === 304;
  const lines = [
    ...pairs,
    ...(chunked ? [['Transfer-Encoding', 'chunked']] : bodiless ? [] : [['Content-Length', bytes.length]]),
    ...(close ? [['Connection', 'close']] : []),
  ].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`, 'latin1');
  if (method === 'HEAD' || bodiless)
    return head;
  return chunked
    ? Buffer.concat([head, Buffer.from(bytes.length > 0 ? `${bytes.length.toString(16)}\r\n` : ''), bytes,
      Buffer.from(bytes.length > 0 ? '\r\n0\r\n\r\n' : '0\r\n\r\n')])
    : Buffer.concat([head, bytes]);
}

class Upstream {
  constructor({ handler, onHead }) {
    this.handler = handler;
    this.onHead = onHead;
    this.requests = [];
    this.connections = 0;  /* accepted so far */
    this.faults = [];  /* whatever was malformed, on any connection */
    this.sockets = new Set();
  }

  /* Reads requests off one connection until it ends, is taken over, or cannot be read. */
  async serve(socket) {
    const number = ++this.connections;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    const stream = new ByteStream(socket);
    try {
      while (await stream.until(() => stream.length > 0)) {
        const request = new Request(await stream.takeThrough('\r\n\r\n'), number);
        this.requests.push(request);
        this.faults.push(...request.faults);
        request.socket = socket;
        let taken = false;
        request.takeOver = () => { taken = true; return stream.release(); };
        await this.onHead?.(request, socket);
        if (taken)
          return;
        if (request.header('expect') && !this.onHead)
          socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        if (request.header('transfer-encoding'))
          request.body = await stream.takeChunked();
        else
          request.body = await stream.take(Number(request.header('content-length') ?? 0));
        const answer = await this.handler(request, socket);
        if (taken)
          return;
        if (answer !== undefined)
          socket.write(typeof answer === 'string' || Buffer.isBuffer(answer) ? answer
            : responseBytes(answer, request.method));
        if (answer?.close)
          socket.end();
      }
      socket.end();
    } catch (error) {
      this.faults.push(error.message);
      socket.destroy();
    }
  }

  /* Resolves with the requests once there are that many. */
  async waitForRequests(count = 1, { timeoutMs = 5000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    while (this.requests.length < count) {
      if (Date.now() > deadline)
        throw new Error(`the upstream saw ${this.requests.length} of ${count} requests in ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.requests;
  }

  get last() {
    return this.requests.at(-1);
  }

  /* Nothing reached the application: no request, and unless allowed no connection either. */
  assertUntouched({ connections = false } = {}) {
    if (this.requests.length > 0)
      throw new Error(`the upstream saw ${this.requests.map((one) => `${one.method} ${one.target}`).join(', ')}`);
    if (!connections && this.connections > 0)
      throw new Error(`the upstream saw ${this.connections} connections`);
  }

  /* All that reached the application could be read in one way only. */
  assertClean() {
    if (this.faults.length > 0)
      throw new Error(`the upstream saw malformed input: ${this.faults.join('; ')}`);
  }

  /* Forgets what was seen; open connections stay open. */
  forget() {
    this.requests.length = 0;
    this.faults.length = 0;
    this.connections = 0;
  }
}

/*
 * Listens on the loopback address, or with unix: true on a socket in a temporary folder. Resolves with { url, port,
 * requests, connections, faults, last, waitForRequests(), assertUntouched(), assertClean(), forget(), close() }.
 *
 *   handler   (request, socket) => answer: an object for responseBytes(), exact bytes, or undefined when
 *             the handler writes to the socket itself; request.takeOver() ends all parsing of the connection
 *   onHead    (request, socket) => {}: runs before the body is read, and minds Expect itself
 *   tls       { key, cert, ... } as node:tls takes it
 */
export async function startUpstream({
  handler = () => ({ body: 'hello from the upstream\n', headers: { 'Content-Type': 'text/plain' } }),
  onHead, unix = false, tls: secure, port = 0, host = '127.0.0.1',
} = {}) {
  const upstream = new Upstream({ handler, onHead });
  const serve = (socket) => upstream.serve(socket);
  const server = secure ? tls.createServer({ ...secure, allowHalfOpen: true }, serve)
    : net.createServer({ allowHalfOpen: true, noDelay: true }, serve);
  server.on('tlsClientError', (error) => upstream.faults.push(`TLS: ${error.message}`));
  const folder = unix && mkdtempSync(path.join(tmpdir(), 'upstream-'));
  const socketPath = folder && path.join(folder, 'socket');
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    if (unix)
      server.listen(socketPath, resolve);
    else
      server.listen(port, host, resolve);
  });
  upstream.port = unix ? undefined : server.address().port;
  upstream.socketPath = socketPath || undefined;
  upstream.url = unix ? `unix:${socketPath}` : `${secure ? 'https' : 'http'}://${host}:${upstream.port}`;
  upstream.close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    upstream.sockets.forEach((socket) => socket.destroy());
    await closed;
    if (folder)
      rmSync(folder, { recursive: true, force: true });
  };
  return upstream;
}
