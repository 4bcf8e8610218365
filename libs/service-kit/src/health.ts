/** One thing a service needs, and how to ask it whether it is there. */
export interface Dependency {
  /** e.g. `postgres`, `kafka`. */
  name: string;
  /** Rejects or throws while the dependency is away. */
  check(): Promise<void> | void;
}

export interface Readiness {
  ready: boolean;
  /** `up`, or `down`; the reason is in the log, not here. */
  dependencies: Record<string, 'up' | 'down'>;
}

/** Longest time one check may take before its dependency is called down, milliseconds. */
const CHECK_TIMEOUT_MS = 2000;

/** Asks all dependencies at once. */
export async function readinessOf(
  dependencies: readonly Dependency[],
  onDown: (name: string, error: unknown) => void,
): Promise<Readiness> {
  const states = await Promise.all(
    dependencies.map(async (dependency) => {
      try {
        await withTimeout(dependency);
        return [dependency.name, 'up'] as const;
      } catch (error) {
        onDown(dependency.name, error);
        return [dependency.name, 'down'] as const;
      }
    }),
  );
  return { ready: states.every(([, state]) => state === 'up'), dependencies: Object.fromEntries(states) };
}

async function withTimeout(dependency: Dependency): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([dependency.check(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
