import { Client, credentials, Metadata, type MethodDefinition, status } from '@grpc/grpc-js';

const DEADLINE_MS = 10_000;

/** Calls one method with an empty request and these headers, and gives the name of the status it ended with. */
export async function statusOfCall(
  address: string,
  method: Pick<
    MethodDefinition<unknown, unknown>,
    'path' | 'requestSerialize' | 'requestDeserialize' | 'responseDeserialize'
  >,
  headers: Record<string, string | string[]>,
): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(headers)) {
    for (const value of [values].flat()) metadata.add(name, value);
  }
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        method.requestDeserialize(Buffer.alloc(0)),
        metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error) => resolve(status[error?.code ?? status.OK]),
      );
    });
  } finally {
    client.close();
  }
}

/** A method that no generated definition names; its messages are empty. */
export function methodAt(path: string) {
  return { path, requestSerialize: empty, requestDeserialize: empty, responseDeserialize: empty };
}

function empty(): Buffer {
  return Buffer.alloc(0);
}
