// One gRPC call as an internal service makes it: VerifierService.Verify.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const usage = `node scripts/verify.mjs --token-file FILE --key-file FILE
  [--address HOST:PORT]  verifier, default 127.0.0.1:50051
  [--profile NAME]       the product whose key it is, default: default
  [--scope SCOPE]        a scope the key must have; may be repeated
Prints the answer as JSON. Exits 0 when the verdict is VALID, 1 when it is another, 2 when there is none.`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        address: { type: 'string', default: '127.0.0.1:50051' },
        'token-file': { type: 'string' },
        'key-file': { type: 'string' },
        profile: { type: 'string', default: '' },
        scope: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (!values['token-file'] || !values['key-file'])
      throw new Error('--token-file and --key-file are needed');
    return values;
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function contentOf(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    console.error(`can't read ${path} (${error.code})`);
    process.exit(2);
  }
}

const { address, profile, scope, 'token-file': tokenFile, 'key-file': keyFile } = options();
const token = contentOf(tokenFile);
const credential = contentOf(keyFile);

let grpc;
let contract;
try {
  grpc = await import('@grpc/grpc-js');
  contract = await import('#libs/contracts/gen/latchkey/v1/verifier_service');
} catch {
  console.error('not built yet: run `npm start` or `npm run build` first');
  process.exit(2);
}

const client = new contract.VerifierServiceClient(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
try {
  metadata.set('authorization', `Bearer ${token}`);
} catch {
  // The error itself would print what the file holds.
  console.error(`${tokenFile} holds no token: it has characters that no token has`);
  process.exit(2);
}
const request = contract.VerifyRequest.fromPartial({ credential, profile, requiredScopes: scope });
client.verify(request, metadata, { deadline: Date.now() + 5000 }, (error, response) => {
  client.close();
  if (error) {
    console.error(`no verdict: ${grpc.status[error.code]} ${error.details}`);
    process.exitCode = 2;
    return;
  }
  console.log(JSON.stringify(contract.VerifyResponse.toJSON(response), null, 2));
  process.exitCode = response.verdict === contract.Verdict.VALID ? 0 : 1;
});
