/**
 * Spools as files of one directory: `<incarnation>.<number>.spool`, each at most a few MiB, removed when the log has
 * all of it, and `<incarnation>.lock`, held by the one process that may write or publish them.
 */
import { mkdirSync, openSync } from 'node:fs';
import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Incarnation } from './incarnation.js';
import { type OpenSpool, type RequestSpool, RequestSpools } from './request-spool.js';
import type { MakeSpool, SpoolDamage, SpoolDirectory, SpoolLock } from './spool-directory.js';
import { recoverSpool } from './spool-recovery.js';

export interface FileSpoolsOptions {
  directory: string;
  /** Most bytes of all spools together. */
  bytesMax: number;
  /** After each turn the data go to the disk itself, and so do the names of new files. */
  fsync: boolean;
  makeSpool: MakeSpool;
  /** Takes the lock file, or gives undefined when another living process has it. */
  tryLock(path: string): Promise<SpoolLock | undefined>;
  /** Told of released events that can't be read any more. */
  onDamage(damage: SpoolDamage): void;
}

const SEGMENT_NAME = /^([0-9a-f]{8}-[0-9a-f-]{27})\.(\d{6,})\.spool$/;
const LOCK_NAME = /^([0-9a-f]{8}-[0-9a-f-]{27})\.lock$/;

export class FileRequestSpools extends RequestSpools implements SpoolDirectory {
  /** Incarnations this process holds: its own and those taken over. */
  private readonly held = new Set<string>();
  private heldBytes = 0;
  private otherBytes = 0;

  readonly path: string;
  readonly bytesMax: number;
  readonly fsync: boolean;

  /** Makes the directory; throws where it can't be. */
  constructor(private readonly options: FileSpoolsOptions) {
    super();
    this.path = options.directory;
    this.bytesMax = options.bytesMax;
    this.fsync = options.fsync;
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  get bytes(): number {
    return this.heldBytes + this.otherBytes;
  }

  onDamage(damage: SpoolDamage): void {
    this.options.onDamage(damage);
  }

  resized(bytes: number): void {
    this.heldBytes += bytes;
  }

  async open(identity: Incarnation): Promise<OpenSpool> {
    const lock = await this.options.tryLock(this.lockPath(identity.incarnation));
    if (lock === undefined) throw new Error(`incarnation ${identity.incarnation} is not fresh`);
    this.held.add(identity.incarnation);
    return this.options.makeSpool(this, identity, [], () => this.letGo(identity.incarnation, lock));
  }

  async takeOver(): Promise<RequestSpool[]> {
    const spools: RequestSpool[] = [];
    const names = await readdir(this.path);
    const found = names.map((name) => (SEGMENT_NAME.exec(name) ?? LOCK_NAME.exec(name))?.[1]);
    for (const incarnation of new Set(found.filter((id) => id !== undefined))) {
      if (this.held.has(incarnation)) continue;
      const lock = await this.options.tryLock(this.lockPath(incarnation));
      if (lock === undefined) continue;
      this.held.add(incarnation);
      try {
        const spool = await this.load(incarnation, lock);
        if (spool === undefined) await this.letGo(incarnation, lock);
        else spools.push(spool);
      } catch (error) {
        await this.letGo(incarnation, lock);
        this.onDamage({ path: join(this.path, incarnation), reason: `it can't be read: ${String(error)}` });
      }
    }
    this.otherBytes = await this.sizeOfOthers();
    return spools;
  }

  /** Called with the lock held: whoever had it before may have removed some of the files, or all. */
  private async load(incarnation: string, lock: SpoolLock): Promise<RequestSpool | undefined> {
    const names = (await readdir(this.path)).filter((name) => SEGMENT_NAME.exec(name)?.[1] === incarnation);
    const paths = names.sort().map((name) => join(this.path, name));
    const recovery = await recoverSpool(paths, readSegment);
    for (const path of recovery.empty) await unlink(path);
    for (const { path, reason } of recovery.unreadable) {
      await rename(path, `${path}.damaged`);
      this.onDamage({ path: `${path}.damaged`, reason });
    }
    for (const damage of recovery.missing) this.onDamage({ ...damage, reason: 'events in it are damaged' });
    if (recovery.identity === undefined) return undefined;
    const segments = recovery.segments.map((segment) => ({ ...segment, fd: openSync(segment.path, 'r') }));
    for (const { bytes } of segments) this.resized(bytes);
    const spool = this.options.makeSpool(this, recovery.identity, segments, () =>
      this.letGo(incarnation, lock),
    );
    spool.seal();
    return spool;
  }

  private async letGo(incarnation: string, lock: SpoolLock): Promise<void> {
    await lock.release();
    this.held.delete(incarnation);
  }

  private async sizeOfOthers(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.path)) {
      const incarnation = SEGMENT_NAME.exec(name.replace(/\.damaged$/, ''))?.[1];
      if (incarnation === undefined || (this.held.has(incarnation) && !name.endsWith('.damaged'))) continue;
      const file = await stat(join(this.path, name)).catch(() => undefined);
      bytes += file?.size ?? 0;
    }
    return bytes;
  }

  private lockPath(incarnation: string): string {
    return join(this.path, `${incarnation}.lock`);
  }
}

async function readSegment(path: string, bytesMax?: number): Promise<Buffer> {
  if (bytesMax === undefined) return readFile(path);
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytesMax), 0, bytesMax, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
