import type { DemoKey } from './demo-key.js';
import { shellWord } from './shell-word.js';

/** What the user reads once everything listens. */
export interface Greeting {
  urls: { api: string; management: string; usage: string; verifier: string };
  grpc: { verifier: string; management: string; usage: string };
  /** Paths as the user types them in the directory where the commands are pasted. */
  files: { operatorToken: string; serviceToken: string; demoKey: string; verifyScript: string };
  /** Names of the profiles that are served. */
  products: readonly string[];
  dataDirectory: string;
  /** Whether the OpenAPI documents can be browsed. */
  docsPage: boolean;
  demoKey: DemoKey;
}

export function greetingOf(greeting: Greeting): string {
  const { urls, grpc, dataDirectory } = greeting;
  const page = greeting.docsPage ? '/docs' : '/openapi.json';
  const service = (name: string, url: string, grpcAddress?: string) =>
    `  ${name.padEnd(14)}  ${url}  (OpenAPI: ${url}${page})${grpcAddress ? `  gRPC ${grpcAddress}` : ''}`;
  return [
    '',
    'Latchkey is ready.',
    '',
    service('api', urls.api),
    service('key-management', urls.management, grpc.management),
    service('usage', urls.usage, grpc.usage),
    service('auth-verifier', urls.verifier, grpc.verifier),
    `  ${'products'.padEnd(14)}  ${greeting.products.join(', ')}  (by host, see docs/profiles.md)`,
    `  ${'data'.padEnd(14)}  ${dataDirectory}`,
    `  ${'operator token'.padEnd(14)}  ${shellWord(greeting.files.operatorToken)}`,
    '',
    ...aboutDemoKey(greeting),
    '',
    'Try:',
    '',
    ...commands(greeting),
    '',
    'Stop with Ctrl-C.',
    '',
  ].join('\n');
}

function aboutDemoKey({ demoKey, urls, files }: Greeting): string[] {
  const file = shellWord(files.demoKey);
  if (demoKey === 'made') {
    return [`A demo tenant and key were made; the key's secret is shown once and is now in ${file}.`];
  }
  const url = shellWord(`${urls.management}/v1/tenants/demo/keys`);
  const headers = `-H ${bearer(files.operatorToken)} -H 'Content-Type: application/json'`;
  if (demoKey === 'kept') {
    return [
      `The demo key's secret was shown once, on the first run, and is still in ${file}. Make another key with:`,
      '',
      `  curl -sS -w '\\n' -X POST ${url} \\`,
      `    ${headers} \\`,
      `    -d '${bodyOf('another', ['read'])}'`,
    ];
  }
  return [
    `The demo key's secret was shown once, on the first run; ${file} has been removed since.`,
    'Make another key, its secret in that file, with:',
    '',
    `  (umask 077; curl -sS -X POST ${url} \\`,
    `    ${headers} \\`,
    `    -d '${bodyOf('demo', ['keys:manage', 'read', 'write'])}' \\`,
    `    | node -p 'JSON.parse(require("fs").readFileSync(0)).secret' > ${file})`,
  ];
}

function bodyOf(name: string, scopes: string[]): string {
  return JSON.stringify({ name, environment: 'live', scopes });
}

/** All read the credentials from their files, so that none ends up in a shell's history. */
function commands({ urls, grpc, files }: Greeting): string[] {
  const script = `node ${shellWord(files.verifyScript)} --address ${shellWord(grpc.verifier)}`;
  const credentials = `--token-file ${shellWord(files.serviceToken)} --key-file ${shellWord(files.demoKey)}`;
  return [
    '  # use the key at the API',
    `  curl -sS -w '\\n' ${shellWord(`${urls.api}/v1/whoami`)} -H ${bearer(files.demoKey)}`,
    '',
    '  # verify it over gRPC, as a service behind the door does',
    `  ${script} ${credentials}`,
    '',
    '  # see how much it was used',
    `  curl -sS -w '\\n' ${shellWord(`${urls.api}/v1/keys`)} -H ${bearer(files.demoKey)}`,
  ];
}

function bearer(file: string): string {
  return `"Authorization: Bearer $(cat ${shellWord(file)})"`;
}
