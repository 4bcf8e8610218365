import { profileVariables } from '#libs/profiles/config';
import {
  ConfigurationError,
  port,
  readEnvironment,
  standardVariables,
  type Values,
  type Variable,
} from '#libs/service-kit';

const ports = {
  apiPort: port('LATCHKEY_API_PORT', 3000, 'HTTP port of api'),
  managementPort: port('LATCHKEY_MANAGEMENT_PORT', 3001, 'HTTP port of key-management'),
  usagePort: port('LATCHKEY_USAGE_PORT', 3002, 'HTTP port of usage'),
  verifierPort: port('LATCHKEY_VERIFIER_PORT', 3003, 'HTTP port of auth-verifier'),
  verifierGrpcPort: grpcPort('LATCHKEY_VERIFIER_GRPC_PORT', 50051, 'gRPC port of auth-verifier'),
  managementGrpcPort: grpcPort('LATCHKEY_MANAGEMENT_GRPC_PORT', 50052, 'gRPC port of key-management'),
  usageGrpcPort: grpcPort('LATCHKEY_USAGE_GRPC_PORT', 50053, 'gRPC port of usage'),
} as const;

/** What the standalone process reads from its environment: everything has a default. */
export const variables = {
  ...ports,
  bindHost: standardVariables.bindHost,
  // So that products that take HTTPS alone can be tried: whoever may connect here is on this machine.
  trustedProxies: { ...standardVariables.trustedProxies, default: '127.0.0.1,::1' },
  docsPage: standardVariables.docsPage,
  errorTrackerUrl: standardVariables.errorTrackerUrl,
  dataDirectory: standardVariables.dataDirectory,
  logLevel: {
    ...standardVariables.logLevel,
    default: 'warn',
  },
  profilesDirectory: profileVariables.profilesDirectory,
  profiles: { ...checkedAs(profileVariables.profiles), default: '*' },
} as const;

export type Config = Values<typeof variables>;

/** Throws {@link ConfigurationError} with every problem, also two services on one port. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const problems = sharedPorts(environment);
  try {
    const config = readEnvironment(variables, environment);
    if (problems.length === 0) return config;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    problems.unshift(...error.problems);
  }
  throw new ConfigurationError(problems);
}

/** The port variables of a configuration, to name in errors about their ports. */
export function portsOf(config: Config): { variable: string; port: number }[] {
  return Object.entries(ports).map(([field, { name }]) => ({
    variable: name,
    port: config[field as keyof typeof ports],
  }));
}

function sharedPorts(environment: NodeJS.ProcessEnv): string[] {
  const names = new Map<string, string[]>();
  for (const { name, default: fallback } of Object.values(ports)) {
    const text = environment[name]?.trim() || (fallback as string);
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names]
    .filter(([text, { length }]) => length > 1 && Number(text) !== 0)
    .map(([text, sharers]) => `${sharers.join(' and ')} are the same port: "${text}"`);
}

/** The services call each other at these ports, so they must be known before anything listens. */
function grpcPort(name: string, fallback: number, description: string): Variable<number> {
  const variable = port(name, fallback, description);
  return {
    ...variable,
    parse(value, environment) {
      const number = variable.parse(value, environment);
      if (number === 0) throw new Error('must not be 0: the services call each other at this port');
      return number;
    },
  };
}

/** A variable whose text is handed on to a service: a mistake in it is found before anything starts. */
function checkedAs(variable: Variable<unknown>): Variable<string> {
  return {
    ...variable,
    parse(value, environment) {
      variable.parse(value, environment);
      return value;
    },
  };
}
