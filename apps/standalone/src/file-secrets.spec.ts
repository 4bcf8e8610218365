import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSecrets } from './file-secrets.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const modeOf = (name: string) => statSync(join(directory, name)).mode & 0o777;

describe('secrets in files', () => {
  it('are drawn once, 256 bits each, and are the same at the next start', () => {
    const drawn = new FileSecrets(directory).readOrDraw('operator-token');
    expect(Buffer.from(drawn, 'base64url')).toHaveLength(32);
    expect(new FileSecrets(directory).readOrDraw('operator-token')).toBe(drawn);
    expect(new FileSecrets(directory).readOrDraw('service-token')).not.toBe(drawn);
  });

  it('are for their owner alone', () => {
    new FileSecrets(directory).readOrDraw('operator-token');
    new FileSecrets(directory).write('demo-key', 'lk_live_x');
    expect(modeOf('operator-token')).toBe(0o600);
    expect(modeOf('demo-key')).toBe(0o600);
  });

  it('are for their owner alone also where a start that was cut short left a readable draft', () => {
    writeFileSync(join(directory, 'demo-key.draft'), 'lk_li');
    chmodSync(join(directory, 'demo-key.draft'), 0o644);
    new FileSecrets(directory).write('demo-key', 'lk_live_x');
    expect(modeOf('demo-key')).toBe(0o600);
    expect(readFileSync(join(directory, 'demo-key'), 'utf8')).toBe('lk_live_x\n');
  });

  it('leave no draft behind, replace what was there, and can be removed', () => {
    const secrets = new FileSecrets(directory);
    secrets.write('demo-key', 'first');
    secrets.write('demo-key', 'second');
    expect(readdirSync(directory)).toEqual(['demo-key']);
    expect(secrets.readOrDraw('demo-key')).toBe('second');
    secrets.remove('demo-key');
    secrets.remove('demo-key');
    expect(secrets.has('demo-key')).toBe(false);
  });
});
