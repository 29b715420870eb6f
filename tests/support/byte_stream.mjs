/*
 * The receiving side of a socket, as a reader of HTTP/1.1 wants it: take so many
 * bytes, take through a mark, take a chunked body; each bounded in time, none
 * guessing. What has arrived waits here until somebody takes it.
 */
export class ByteStream {
  constructor(socket) {
    this.socket = socket;
    this.chunks = [];
    this.length = 0;  /* bytes that wait */
    this.ended = false;  /* no more will come */
    this.error = null;
    this.waiting = new Set();
    const wake = () => this.waiting.forEach((resume) => resume());
    this.onData = (data) => { this.chunks.push(data); this.length += data.length; wake(); };
    socket.on('data', this.onData);
    socket.on('end', () => { this.ended = true; wake(); });
    socket.on('error', (error) => { this.error = error; });
    this.closed = new Promise((resolve) => socket.on('close', () => { this.ended = true; wake(); resolve(); }));
  }

  /* What waits, in one piece. */
  get waitingBytes() {
    if (this.chunks.length > 1)
      this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  get how() {
    return this.error?.code ?? 'in an orderly way';
  }

  /* Waits until the test holds; false when the peer closed before it did, an error when the time is over. */
  async until(test, deadline = Infinity) {
    while (!test()) {
      if (this.ended)
        return false;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`not complete in time; so far ${JSON.stringify(this.waitingBytes.toString('latin1', 0, 200))}`);
      await new Promise((resolve) => {
        const resume = () => {
          clearTimeout(timer);
          this.waiting.delete(resume);
          resolve();
        };
        const timer = left === Infinity ? undefined : setTimeout(resume, left);
        this.waiting.add(resume);
      });
    }
    return true;
  }

  async take(count, deadline) {
    if (!await this.until(() => this.length >= count, deadline))
      throw new Error(`closed ${this.how}, ${count - this.length} bytes early`);
    const bytes = this.waitingBytes;
    this.length -= count;
    this.chunks = this.length > 0 ? [bytes.subarray(count)] : [];
    return bytes.subarray(0, count);
  }

  async takeThrough(mark, deadline) {
    if (!await this.until(() => this.waitingBytes.includes(mark), deadline))
      throw new Error(`closed ${this.how}, before ${JSON.stringify(mark)}`);
    return this.take(this.waitingBytes.indexOf(mark) + mark.length, deadline);
  }

  /* A chunked body, decoded; trailers are read and dropped. */
  async takeChunked(deadline) {
    const chunks = [];
    for (;;) {
      const line = (await this.takeThrough('\r\n', deadline)).toString('latin1').slice(0, -2);
      if (!/^[0-9a-f]+$/i.test(line))
        throw new Error(`the chunk size ${JSON.stringify(line)}`);
      const size = parseInt(line, 16);
      if (size === 0)
        break;
      chunks.push(await this.take(size, deadline));
      if ((await this.take(2, deadline)).toString('latin1') !== '\r\n')
        throw new Error('a chunk is longer than it said');
    }
    while ((await this.takeThrough('\r\n', deadline)).length > 2)
      ;
    return Buffer.concat(chunks);
  }

  /* Everything until the peer closes. */
  async takeToEnd(deadline) {
    await this.until(() => false, deadline);
    return this.take(this.length, deadline);
  }

  /* Stops reading: the socket is the caller's from now on, along with what had arrived. */
  release() {
    this.socket.off('data', this.onData);
    const bytes = this.waitingBytes;
    this.chunks = [];
    this.length = 0;
    return bytes;
  }
}
