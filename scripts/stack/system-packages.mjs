/** The system programs that native servers need: found, installed where that is allowed, or named with the command that installs them. */
import { spawnSync } from 'node:child_process';

const JAVA_MIN = 17;
const PROGRAMS = {
  java: {
    part: 'kafka',
    variable: 'KAFKA_BROKERS',
    isThere: () => javaMajor() >= JAVA_MIN,
    homebrew: 'openjdk',
    debian: debianJava,
  },
  mvn: {
    part: 'kafka',
    variable: 'KAFKA_BROKERS',
    isThere: () => runs('mvn', ['-v']),
    homebrew: 'maven',
    debian: () => 'maven',
  },
  'redis-server': {
    part: 'redis',
    variable: 'REDIS_URL',
    isThere: () => runs('redis-server', ['--version']),
    homebrew: 'redis',
    debian: () => 'redis-server',
  },
  'python3 with venv': {
    part: 'schemathesis',
    isThere: () => runs('python3', ['-c', 'import ensurepip, venv']),
    homebrew: 'python3',
    debian: () => 'python3-venv',
  },
};

/** Makes sure that `programs` are there; `say` is told what is being installed. */
export function provide(programs, say) {
  const missing = programs.filter((name) => !PROGRAMS[name].isThere());
  if (missing.length === 0) return;
  if (process.env.LATCHKEY_NO_APT !== '1' && process.getuid?.() === 0 && runs('apt-get', ['--version'])) {
    const packages = () => missing.map((name) => PROGRAMS[name].debian());
    say(
      `installing what the stack needs (${missing.join(', ')}) with apt-get; LATCHKEY_NO_APT=1 prevents this`,
    );
    apt(['update', '-qq']);
    apt(['install', '-y', '-qq', '--no-install-recommends', ...packages()]);
    const still = missing.filter((name) => !PROGRAMS[name].isThere());
    if (still.length === 0) return;
    throw new Error(missingMessage(still));
  }
  throw new Error(missingMessage(missing));
}

function missingMessage(missing) {
  const parts = [...new Set(missing.map((name) => PROGRAMS[name].part))].join(' and ');
  const variables = [...new Set(missing.flatMap((name) => PROGRAMS[name].variable ?? []))].join(' and ');
  const elsewhere = variables === '' ? '' : `\nor set ${variables} to what runs elsewhere.`;
  const command =
    process.platform === 'darwin'
      ? `brew install ${missing.map((name) => PROGRAMS[name].homebrew).join(' ')}`
      : `sudo apt-get update && sudo apt-get install -y ${missing.map((name) => PROGRAMS[name].debian()).join(' ')}`;
  return `${parts} cannot be started without ${missing.join(', ')}. Install with:\n  ${command}${elsewhere}`;
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) throw new Error(`this failed: apt-get ${args.join(' ')}`);
}

function debianJava() {
  const package17 = 'openjdk-17-jre-headless';
  return spawnSync('apt-cache', ['show', package17], { stdio: 'ignore' }).status === 0
    ? package17
    : 'default-jre-headless';
}

function javaMajor() {
  const { stderr, status } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return status === 0 ? Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) : 0;
}

function runs(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
