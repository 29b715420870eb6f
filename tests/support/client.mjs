/*
 * An HTTP/1.1 client on bare sockets. It sends the bytes it is given, right or
 * wrong, over TCP or TLS, with or without a client certificate, and reads whole
 * responses strictly: what it cannot read without guessing is an error. Names
 * are never looked up; everything connects to the loopback address.
 */
import net from 'node:net';
import tls from 'node:tls';
import { ByteStream } from './byte_stream.mjs';

/* A response: status, reason, version, headers (pairs, in order), body, and head, the bytes before it. */
export class Response {
  constructor(head) {
    this.head = head;
    const [line, ...lines] = head.toString('latin1').replace(/\r\n\r\n$/, '').split('\r\n');
    const [, version, status, reason] = /^HTTP\/(1\.[01]) (\d{3})(?: ([^\r\n]*))?$/.exec(line)
      ?? fail(`not a status line: ${JSON.stringify(line)}`);
    Object.assign(this, { version, status: Number(status), reason: reason ?? '' });
    this.headers = lines.map((text) => {
      const [, name, value] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(text)
        ?? fail(`not a header line: ${JSON.stringify(text)}`);
      return [name, value];
    });
    this.body = Buffer.alloc(0);
  }

  /* All values of a header, in order. */
  all(name) {
    return this.headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /* The one value of a header, or undefined; a header that came twice is an error. */
  header(name) {
    const values = this.all(name);
    return values.length > 1 ? fail(`${name} came ${values.length} times`) : values[0];
  }

  get text() {
    return this.body.toString();
  }

  get json() {
    return JSON.parse(this.text);
  }
}

function fail(text) {
  throw new Error(text);
}

/* One connection to send on and to read responses from, one after the other. */
export class Connection extends ByteStream {
  /*
   * Opens a connection.
   *
   *   port, address  where to, 127.0.0.1 unless told; or socketPath, a unix socket
   *   tls            undefined for plain; else { ca, cert, key, servername, alpn, ... } as node:tls takes it
   *   localAddress   another loopback address to come from
   */
  static open({ port, address = '127.0.0.1', socketPath, localAddress, tls: options, timeoutMs = 10000 }) {
    const where = socketPath ? { path: socketPath } : { port, host: address, localAddress };
    return new Promise((resolve, reject) => {
      const { alpn, ...rest } = options ?? {};
      const socket = options
        ? tls.connect({ ...where, ...(alpn && { ALPNProtocols: alpn }), ...rest })
        : net.connect(where);
      const timer = setTimeout(() => socket.destroy(new Error(`no connection in ${timeoutMs} ms`)), timeoutMs);
      socket.once('close', () => clearTimeout(timer));
      socket.once('error', reject);
      socket.once(options ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        socket.off('error', reject);
        socket.setNoDelay(true);
        resolve(new Connection(socket));
      });
    });
  }

  write(bytes) {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /* Half-closes: the peer sees the end, and may still answer. */
  end() {
    this.socket.end();
    return this;
  }

  async close() {
    this.socket.destroy();
    await this.closed;
  }

  /*
   * Reads one response to its end, 1xx skipped unless "interim"; undefined when the peer closed without
   * a byte. The method matters: an answer to HEAD has no body.
   */
  async read({ method = 'GET', timeoutMs = 10000, interim = false } = {}) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (!await this.until(() => this.length > 0, deadline))
        return undefined;
      const response = new Response(await this.takeThrough('\r\n\r\n', deadline));
      if (response.status < 200 && response.status !== 101) {
        if (interim)
          return response;
        continue;
      }
      response.body = await this.#readBody(response, method, deadline);
      return response;
    }
  }

  async #readBody(response, method, deadline) {
    if (method === 'HEAD' || [101, 204, 304].includes(response.status))
      return Buffer.alloc(0);
    const coding = response.header('transfer-encoding');
    const length = response.header('content-length');
    if (coding !== undefined && length !== undefined)
      fail('Content-Length beside Transfer-Encoding');
    if (coding !== undefined)
      return coding.toLowerCase() === 'chunked' ? this.takeChunked(deadline) : fail(`transfer coding ${coding}`);
    if (length !== undefined)
      return /^\d+$/.test(length) ? this.take(Number(length), deadline) : fail(`Content-Length ${length}`);
    return this.takeToEnd(deadline);
  }

  /* Has the peer closed, or does it within the time? */
  async isClosed({ timeoutMs = 2000 } = {}) {
    await this.until(() => this.ended, Date.now() + timeoutMs).catch(() => {});
    return this.ended;
  }
}

/*
 * A request's bytes. Host (localhost and the port unless told), Content-Length and
 * Connection are added unless they are among the headers, an object or pairs.
 */
export function requestBytes({
  method = 'GET', target = '/', port, host = port ? `localhost:${port}` : 'localhost', headers = {}, body = '',
  keepAlive = true,
}) {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const has = (name) => pairs.some(([one]) => one.toLowerCase() === name);
  const bytes = Buffer.from(body);
  const all = [
    ...(has('host') ? [] : [['Host', host]]),
    ...pairs,
    ...(has('content-length') || has('transfer-encoding') || (bytes.length === 0 && /^(GET|HEAD|OPTIONS)$/.test(method))
      ? [] : [['Content-Length', bytes.length]]),
    ...(has('connection') || keepAlive ? [] : [['Connection', 'close']]),
  ];
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

/* One request on a connection of its own: the options of Connection.open and of requestBytes together. */
export async function request(options) {
  const connection = await Connection.open(options);
  try {
    connection.write(options.bytes ?? requestBytes({ keepAlive: false, ...options }));
    return await connection.read(options);
  } finally {
    await connection.close();
  }
}
