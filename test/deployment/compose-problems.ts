import type { ComposeFile, ComposeService } from './compose-file.js';
import { namesOf } from './documented-variables.js';
import type { VariableTable } from './service-variables.js';

/** What each service's environment in a compose file has wrong, by the variables that its code reads. */
export function environmentProblems(
  compose: ComposeFile,
  services: Readonly<Record<string, VariableTable>>,
): string[] {
  return Object.entries(services).flatMap(([name, table]) => {
    const variables = Object.values(table);
    const environment = compose.services[name]?.environment ?? {};
    const known = new Set(variables.flatMap(namesOf));
    const unknown = Object.keys(environment)
      .filter((variable) => !known.has(variable))
      .map((variable) => `${name} does not read ${variable}`);
    const missing = variables
      .filter((variable) => variable.default === null)
      .filter((variable) => !namesOf(variable).some((given) => given in environment))
      .map((variable) => `${name} needs ${variable.name}`);
    const bare = variables
      .filter(({ secret, name: variable }) => secret && variable in environment)
      .map((variable) => `${name} has the secret ${variable.name} in its environment`);
    return [...unknown, ...missing, ...bare];
  });
}

/** Secrets that are not mounted where they are read, mounted without being read, or not declared. */
export function secretProblems(compose: ComposeFile): string[] {
  const declared = Object.keys(compose.secrets ?? {});
  const used = new Set<string>();
  const problems = Object.entries(compose.services).flatMap(([name, service]) => {
    const mounted = service.secrets ?? [];
    for (const secret of mounted) used.add(secret);
    const paths = Object.values(service.environment ?? {}).filter((value) => isSecretPath(value));
    return [
      ...paths
        .filter((path) => !mounted.includes(path.slice(SECRETS.length)))
        .map((path) => `${name} reads ${path}, which is not mounted`),
      ...mounted
        .filter((secret) => !declared.includes(secret))
        .map((secret) => `${name} mounts ${secret}, which is not declared`),
    ];
  });
  const unused = declared.filter((secret) => !used.has(secret)).map((secret) => `nobody mounts ${secret}`);
  return [...problems, ...unused];
}

/** What a container could do beyond its work. */
export function hardeningProblems(compose: ComposeFile): string[] {
  return Object.entries(compose.services).flatMap(([name, service]) =>
    Object.entries(HARDENED)
      .filter(([, holds]) => !holds(service))
      .map(([demand]) => `${name} ${demand}`),
  );
}

const SECRETS = '/run/secrets/';

function isSecretPath(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(SECRETS);
}

const HARDENED: Record<string, (service: ComposeService) => boolean> = {
  'can write to its root': ({ read_only }) => read_only === true,
  'keeps capabilities': ({ cap_drop, cap_add, privileged }) =>
    cap_drop?.join() === 'ALL' && cap_add === undefined && privileged === undefined,
  'may gain privileges': ({ security_opt }) => security_opt?.includes('no-new-privileges:true') === true,
  'runs as root': ({ user }) => user !== undefined && !/^(root|0)(:|$)/.test(user),
  'has an image that is not pinned': ({ image, build }) =>
    build !== undefined || /:\d+\.\d+\.\d+|:\d+\.\d+-/.test(image ?? ''),
  'publishes a port beyond this machine': ({ ports }) =>
    (ports ?? []).every((port) => port.startsWith('127.0.0.1:')),
};
