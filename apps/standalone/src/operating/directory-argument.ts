import { OperationRefused } from '#libs/service-kit/backup-manifest';

/** The one argument of a command, `--name DIR`, or a refusal that says so. */
export function directoryArgument(command: string, name: string, given: readonly string[]): string {
  const prefix = `--${name}=`;
  const [first = '', second] = given;
  const isSplit = first === `--${name}` && given.length === 2 && !second?.startsWith('--');
  const isJoined = first.startsWith(prefix) && given.length === 1;
  const directory = isSplit ? second : isJoined ? first.slice(prefix.length) : undefined;
  if (directory) return directory;
  throw new OperationRefused(`name a directory: npm run ${command} -- --${name} DIR`);
}
