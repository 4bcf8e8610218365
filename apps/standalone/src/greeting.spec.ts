import { type Greeting, greetingOf } from './greeting.js';

const greeting: Greeting = {
  urls: {
    api: 'http://127.0.0.1:3000',
    management: 'http://127.0.0.1:3001',
    usage: 'http://127.0.0.1:3002',
    verifier: 'http://127.0.0.1:3003',
  },
  grpc: { verifier: '127.0.0.1:50051', management: '127.0.0.1:50052', usage: '127.0.0.1:50053' },
  files: {
    operatorToken: '.latchkey/operator-token',
    serviceToken: '.latchkey/service-token',
    demoKey: '.latchkey/demo-key',
    verifyScript: 'scripts/verify.mjs',
  },
  products: ['default', 'seyn'],
  dataDirectory: '/home/ada/latchkey/.latchkey',
  docsPage: true,
  demoKey: 'made',
};

/** The commands as the user copies them; one of several lines stays whole. */
function commandsOf(text: string): string[] {
  return text
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(curl|node|\()/.test(line));
}

describe('the greeting', () => {
  it('tells where everything listens and lies', () => {
    const text = greetingOf(greeting);
    for (const place of [...Object.values(greeting.urls), ...Object.values(greeting.grpc)]) {
      expect(text).toContain(place);
    }
    expect(text).toContain('default, seyn');
    expect(text).toContain(greeting.dataDirectory);
    expect(text).toContain('http://127.0.0.1:3001/docs');
  });

  it('names the OpenAPI documents where there is no page to browse them', () => {
    const text = greetingOf({ ...greeting, docsPage: false });
    expect(text).toContain('http://127.0.0.1:3001/openapi.json');
    expect(text).not.toContain('/docs');
  });

  it('has three commands on the first run, which read the credentials from their files', () => {
    const commands = commandsOf(greetingOf(greeting));
    expect(commands).toHaveLength(3);
    for (const command of commands) expect(command).toContain('.latchkey/demo-key');
  });

  it('says on a later run that the secret was shown once, and how to make another key', () => {
    const text = greetingOf({ ...greeting, demoKey: 'kept' });
    expect(text).toMatch(/shown once/);
    const [another, ...rest] = commandsOf(text);
    expect(another).toContain('POST http://127.0.0.1:3001/v1/tenants/demo/keys');
    expect(another).toContain('$(cat .latchkey/operator-token)');
    expect(rest).toHaveLength(3);
  });

  it('makes another key for the other commands to read where the demo key was removed', () => {
    const text = greetingOf({ ...greeting, demoKey: 'removed' });
    expect(text).toMatch(/shown once/);
    expect(commandsOf(text)[0]).toMatch(/^\(umask 077; curl .*> \.latchkey\/demo-key\)$/);
  });

  it('quotes paths that a shell would take apart', () => {
    const files = { ...greeting.files, demoKey: "/tmp/it's mine/demo-key" };
    for (const command of commandsOf(greetingOf({ ...greeting, files }))) {
      expect(command).toContain(`'/tmp/it'\\''s mine/demo-key'`);
    }
  });
});
