import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

/** Secrets of one standalone installation, each in a file of mode 0600 in its data directory. */
export class FileSecrets {
  constructor(private readonly directory: string) {}

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  has(name: string): boolean {
    return existsSync(this.pathOf(name));
  }

  /** The secret of that name; drawn at random when there is none yet. */
  readOrDraw(name: string): string {
    if (!this.has(name)) this.write(name, randomBytes(32).toString('base64url'));
    return readFileSync(this.pathOf(name), 'utf8').trim();
  }

  /** The file is complete or not there, also after a crash or a power cut in between. */
  write(name: string, value: string): void {
    const draft = `${this.pathOf(name)}.draft`;
    // What a crash left behind may have another mode, which writing to it would keep.
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, `${value}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.pathOf(name));
  }

  remove(name: string): void {
    rmSync(this.pathOf(name), { force: true });
  }
}
