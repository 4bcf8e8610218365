/** What the user reads once everything listens. */
export interface Greeting {
  urls: { api: string; management: string; usage: string; verifier: string };
  grpc: { verifier: string; management: string; usage: string };
  /** Paths of the files that hold them, as the user types them. */
  files: { operatorToken: string; serviceToken: string; demoKey: string };
  dataDirectory: string;
  /** Whether this start made the demo key. */
  demoKeyIsNew: boolean;
}

export function greetingOf({ urls, grpc, files, dataDirectory, demoKeyIsNew }: Greeting): string {
  const anotherKey = [
    `curl -s -X POST ${urls.management}/v1/tenants/demo/keys \\`,
    `  -H "Authorization: Bearer $(cat ${files.operatorToken})" -H 'Content-Type: application/json' \\`,
    `  -d '{"name":"another","environment":"live","scopes":["read"]}'`,
  ];
  const demo = demoKeyIsNew
    ? [`A demo tenant and key were made; the key's secret is shown once and is now in ${files.demoKey}.`]
    : [
        `The demo key's secret was shown once, on the first run (${files.demoKey} still has it unless you removed it).`,
        'Make another key with:',
        '',
        ...anotherKey.map((line) => `  ${line}`),
      ];
  return [
    '',
    'Latchkey is ready.',
    '',
    `  api             ${urls.api}   (OpenAPI: ${urls.api}/docs)`,
    `  key-management  ${urls.management}   (OpenAPI: ${urls.management}/docs), gRPC ${grpc.management}`,
    `  usage           ${urls.usage}   (OpenAPI: ${urls.usage}/docs), gRPC ${grpc.usage}`,
    `  auth-verifier   ${urls.verifier}   gRPC ${grpc.verifier}`,
    `  data            ${dataDirectory}`,
    '',
    ...demo,
    '',
    'Try:',
    '',
    '  # use the key at the API',
    `  curl -s ${urls.api}/v1/whoami -H "Authorization: Bearer $(cat ${files.demoKey})"`,
    '',
    '  # verify it over gRPC, as a service behind the door does',
    `  node scripts/verify.mjs --address ${grpc.verifier} --token-file ${files.serviceToken} --key-file ${files.demoKey}`,
    '',
    '  # see how much it was used',
    `  curl -s ${urls.api}/v1/keys -H "Authorization: Bearer $(cat ${files.demoKey})"`,
    '',
    'Stop with Ctrl-C.',
    '',
  ].join('\n');
}
