import { eventually } from '#libs/testing/eventually';
import { answerOf, everythingFrom, Gate, type ServedApi } from '../served-api.contract.js';

const HEAD = 'Host: api.test\r\nAuthorization: Bearer good\r\n';
const CREATE = `POST /v1/keys HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\n`;
const BODY = '{"name":"n","scopes":["read"]}';

/** What holds for every connection of the api, whatever it is made of. */
export function countsEveryRequest(serve: () => Promise<ServedApi>): void {
  let api: ServedApi;
  beforeEach(async () => {
    api = await serve();
  });
  afterEach(() => api.close());

  const counted = () => api.reporter.events.map(({ status }) => status);

  /** A full round on another connection: whatever the server had to do meanwhile is done. */
  const settled = () => api.send('GET', '/health/live', []);

  it('gets no answer before it is counted', async () => {
    api.reporter.gate = new Gate();
    const socket = api.dial(`GET /v1/whoami HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
    const everything = everythingFrom(socket);
    await eventually(() => expect(counted()).toEqual([200]));
    await settled();
    expect(socket.bytesRead).toBe(0);
    api.reporter.gate.open();
    expect(answerOf(await everything).status).toBe(200);
    expect(counted()).toEqual([200]);
  });

  it('is counted once, without a status, when the client leaves while it is verified; it is not handled', async () => {
    api.verifier.gate = new Gate();
    const socket = api.dial(`${CREATE}Content-Length: ${BODY.length}\r\n\r\n${BODY}`);
    await eventually(() => expect(api.verifier.asked).toHaveLength(1));
    socket.destroy();
    await settled();
    api.verifier.gate.open();
    await eventually(() => expect(counted()).toEqual([null]));
    await settled();
    expect(counted()).toEqual([null]);
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it('is counted once, without a status, when the client leaves while it is handled', async () => {
    api.keyManagement.gate = new Gate();
    const socket = api.dial(`${CREATE}Content-Length: ${BODY.length}\r\n\r\n${BODY}`);
    await eventually(() => expect(api.keyManagement.changes).toHaveLength(1));
    socket.destroy();
    await eventually(() => expect(counted()).toEqual([null]));
    api.keyManagement.gate.open();
    await settled();
    expect(counted()).toEqual([null]);
  });

  it('is not handled when it is refused and the client leaves before the refusal is counted', async () => {
    api.reporter.gate = new Gate();
    const socket = api.dial(`GET /v1/keys HTTP/1.1\r\n${HEAD.replace('good', 'reader')}\r\n`);
    await eventually(() => expect(counted()).toEqual([403]));
    socket.destroy();
    await settled();
    api.reporter.gate.open();
    await settled();
    expect(counted()).toEqual([403]);
    expect(api.keyManagement.lists).toBe(0);
  });

  it('is counted once when the client leaves in the middle of the body', async () => {
    const socket = api.dial(`${CREATE}Content-Length: 100\r\n\r\n{"name"`);
    await eventually(() => expect(api.verifier.asked).toHaveLength(1));
    await settled();
    socket.destroy();
    await eventually(() => expect(counted()).toHaveLength(1));
    await settled();
    expect(counted()).toHaveLength(1);
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it('is counted once, and gets no answer in the place of its own, when its body breaks the framing', async () => {
    const socket = api.dial(`${CREATE}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
    expect(await everythingFrom(socket)).toBe('');
    await eventually(() => expect(counted()).toHaveLength(1));
    await settled();
    expect(counted()).toHaveLength(1);
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it('is counted like any other when several come at once on one connection', async () => {
    const last = `GET /v1/whoami HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
    const one = `GET /v1/whoami HTTP/1.1\r\n${HEAD}\r\n`;
    const text = await everythingFrom(api.dial(`${one}${one}GET /nowhere HTTP/1.1\r\n${HEAD}\r\n${last}`));
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 200',
      'HTTP/1.1 404',
      'HTTP/1.1 200',
    ]);
    expect(counted()).toHaveLength(4);
  });

  it('is counted also when it waited behind another and the client left both', async () => {
    api.keyManagement.gate = new Gate();
    const first = `${CREATE}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
    const socket = api.dial(`${first}${first}`);
    await eventually(() => expect(api.keyManagement.changes).toHaveLength(2));
    socket.destroy();
    await eventually(() => expect(counted()).toEqual([null, null]));
    api.keyManagement.gate.open();
    await settled();
    expect(counted()).toEqual([null, null]);
  });

  it('is refused when it asks for a tunnel, and the connection ends', async () => {
    const connect = `CONNECT inner.test:443 HTTP/1.1\r\n${HEAD}\r\nsecond protocol`;
    const answer = answerOf(await everythingFrom(api.dial(connect)));
    expect(answer.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(counted()).toEqual([404]);
  });

  it('is dropped when it asks for a tunnel behind a request that is still to be answered', async () => {
    api.verifier.gate = new Gate();
    const socket = api.dial(
      `GET /v1/whoami HTTP/1.1\r\n${HEAD}\r\nCONNECT inner.test:443 HTTP/1.1\r\n${HEAD}\r\n`,
    );
    expect(await everythingFrom(socket)).toBe('');
    api.verifier.gate.open();
    await eventually(() => expect(counted()).toEqual([null]));
    expect(api.verifier.asked).toHaveLength(1);
  });

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a target above ASCII', 'GET /caf\u00e9 HTTP/1.1\r\nHost: api.test\r\n\r\n', 400],
    ['more headers than are read', `GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('is no request, and answered with a problem: %s', async (_, bytes, status) => {
    const answer = answerOf(await everythingFrom(api.dial(bytes)));
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status });
    expect(answer.status).toBe(status);
    expect(api.verifier.asked).toHaveLength(0);
  });
}
