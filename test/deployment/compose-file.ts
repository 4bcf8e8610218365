import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** One service of a compose file, as far as the tests ask about it. */
export interface ComposeService {
  image?: string;
  user?: string;
  hostname?: string;
  init?: boolean;
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  privileged?: boolean;
  security_opt?: string[];
  build?: { dockerfile: string; target: string };
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  ports?: string[];
  networks?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  secrets?: Record<string, { file: string }>;
  volumes?: Record<string, unknown>;
  networks?: Record<string, { internal?: boolean } | null>;
}

/** A compose file of the checkout, with its anchors and merges resolved. */
export function composeFile(path: string): ComposeFile {
  return parse(readFileSync(path, 'utf8'), { merge: true }) as ComposeFile;
}

/** What `docker compose -f base -f override` makes of the two, as far as {@link ComposeService} goes. */
export function overridden(base: ComposeFile, override: ComposeFile): ComposeFile {
  const services = Object.entries(base.services).map(([name, service]) => {
    const { environment, secrets, ...replaced } = override.services[name] ?? {};
    const merged: ComposeService = {
      ...service,
      ...replaced,
      environment: { ...service.environment, ...environment },
      secrets: [...(service.secrets ?? []), ...(secrets ?? [])],
    };
    return [name, merged] as const;
  });
  return {
    ...base,
    services: Object.fromEntries(services),
    secrets: { ...base.secrets, ...override.secrets },
  };
}
