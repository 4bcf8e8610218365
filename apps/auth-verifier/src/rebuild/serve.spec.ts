import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '#libs/service-kit';
import {
  ExampleAuthority,
  forger,
  LosableKeyView,
  seal,
  sealKeys,
  secretRecord,
} from '#libs/verification/record-examples.contract';
import { serveAuthority } from '#libs/verification/served-authority.contract';
import { serve } from './serve.js';

describe('rebuilding the view by hand', () => {
  let authority: ExampleAuthority;
  let management: Awaited<ReturnType<typeof serveAuthority>>;
  let printed: string;

  beforeEach(async () => {
    authority = new ExampleAuthority();
    for (let i = 0; i < 5; i += 1) authority.knows(secretRecord({ keyId: `key-${i}` }));
    management = await serveAuthority(authority);
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    process.exitCode = 0;
    management.server.forceShutdown();
  });

  function rebuild(keyView: LosableKeyView) {
    const managementAddress = `127.0.0.1:${management.port}`;
    const config = { managementAddress, sealKeys, serviceToken: 'token-of-the-verifier', logLevel: 'silent' };
    return serve(config, { keyView, logger: createLogger('rebuild-key-view', 'silent') });
  }

  it('puts everything into the view, also into one that calls itself complete, and prints how much', async () => {
    const view = new LosableKeyView();
    await view.markComplete();
    await rebuild(view);
    const ids = [...authority.secrets.keys()].map((id) => ({ kind: 'secret', id }) as const);
    expect(await view.find(ids)).toEqual(
      [...authority.secrets.values()].map((record) => seal.seal('secret', record)),
    );
    expect(printed).toBe('key view rebuilt: 1 tenants, 5 secrets, 0 refused\n');
    expect(process.exitCode ?? 0).toBe(0);
  });

  it('says how many records it refused, and fails', async () => {
    authority.sealing = forger;
    await rebuild(new LosableKeyView());
    expect(printed).toContain('6 refused');
    expect(process.exitCode).toBe(1);
  });

  it('rejects when key-management does not answer', async () => {
    authority.away = true;
    await expect(rebuild(new LosableKeyView())).rejects.toThrow('away');
  });
});
