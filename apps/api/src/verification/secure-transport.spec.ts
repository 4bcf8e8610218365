import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyRequest } from 'fastify';
import { cameOverHttps } from './secure-transport.js';

describe('a request', () => {
  /** From 127.0.0.1 over plain HTTP, by the api that trusts these proxies. */
  async function judged(trustProxy: string[] | false, headers: Record<string, string | string[]>) {
    const server = fastify({ trustProxy });
    server.get('/', (received: FastifyRequest) => ({ https: cameOverHttps(received) }));
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, headers }, (response) => {
          response.setEncoding('utf8').on('data', (text: string) => {
            resolve((JSON.parse(text) as { https: boolean }).https);
          });
        });
        sent.on('error', reject);
        sent.end();
      });
    } finally {
      await server.close();
    }
  }
  const client = '203.0.113.7';
  const proto = (value: string | string[], forwardedFor = client) => ({
    'x-forwarded-proto': value,
    'x-forwarded-for': forwardedFor,
  });
  const near = ['127.0.0.1'];
  const nearAndFar = ['127.0.0.1', '10.0.0.0/8'];

  it.each([
    ['says nothing of it', near, {}, false],
    ['has a trusted proxy that says https', near, proto('https'), true],
    ['has one that says so in capitals', near, proto('HTTPS'), true],
    ['has one that says http', near, proto('http'), false],
    ['has one that says something else', near, proto('wss'), false],
    ['has one that does not tell the client', near, { 'x-forwarded-proto': 'https' }, true],
    ['says https itself, and nobody is trusted', false, proto('https'), false],
    ['says https itself, from an address that is not trusted', ['10.0.0.1'], proto('https'), false],
    ['said https itself, and the proxy adds that it was not', near, proto('https, http'), false],
    ['said so in a header of its own', near, proto(['https', 'http']), false],
    ['said http itself, and the proxy adds that it was https', near, proto('http, https'), true],
    ['has a proxy that adds nothing to a list', near, proto('https,'), false],
    [
      'has two trusted proxies that say https',
      nearAndFar,
      proto('https, https', `${client}, 10.0.0.9`),
      true,
    ],
    [
      'has two, the first of which got it plain',
      nearAndFar,
      proto('http, https', `${client}, 10.0.0.9`),
      false,
    ],
    [
      'has two, the last of which got it plain',
      nearAndFar,
      proto('https, http', `${client}, 10.0.0.9`),
      false,
    ],
    ['has two, the last of which hands on the word', nearAndFar, proto('https', `${client}, 10.0.0.9`), true],
    [
      'said http before two that say https',
      nearAndFar,
      proto('http,https,https', `${client}, 10.0.0.9`),
      true,
    ],
  ])('that %s', async (_, trustProxy, headers, expected) => {
    expect(await judged(trustProxy as string[] | false, headers as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['whatever a client claims', undefined, { 'x-forwarded-proto': 'http' }, true],
    [
      'where the trusted proxy got it plain',
      ['10.0.0.1', '203.0.113.7'],
      { 'x-forwarded-proto': 'http' },
      false,
    ],
    ['where the trusted proxy does not say', ['10.0.0.1', '203.0.113.7'], {}, true],
  ])('over TLS is judged by its connection, %s', (_, ips, headers, expected) => {
    const protocol = expected ? 'https' : 'http';
    expect(cameOverHttps({ protocol, ips, headers })).toBe(expected);
  });
});
