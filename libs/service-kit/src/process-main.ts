import { ConfigurationError } from './environment.js';

/** sysexits.h: the configuration is wrong. */
export const EXIT_CONFIGURATION = 78;

/**
 * Runs a service as a process: starts it, and on SIGTERM or SIGINT drains it and exits 0. A configuration mistake
 * prints every problem and exits 78 before anything listens; any other failed start prints its message and exits 1.
 */
export async function runProcess(start: () => Promise<{ close(): Promise<void> }>): Promise<void> {
  try {
    const running = await start();
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      running.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`stopping failed: ${String(error)}\n`);
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  } catch (error) {
    endFailed(error);
  }
}

/** Runs a command to its end. A failure is its message alone, with exit code 78 for a configuration mistake and 1 for any other. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    endFailed(error, (other) => other.message);
  }
}

function endFailed(error: unknown, shown = ({ name, message }: Error) => `${name}: ${message}`): never {
  if (error instanceof ConfigurationError) {
    process.stderr.write(
      `${error.message}:\n${error.problems.map((problem) => `  - ${problem}\n`).join('')}`,
    );
    process.exit(EXIT_CONFIGURATION);
  }
  process.stderr.write(`${error instanceof Error ? shown(error) : String(error)}\n`);
  process.exit(1);
}
