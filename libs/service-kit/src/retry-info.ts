import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** Trailer in which gRPC carries a google.rpc.Status with its details. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** A google.rpc.Status whose one detail is a google.rpc.RetryInfo: clients that know it wait so long. */
export function statusWithRetry(code: number, message: string, retryAfterSeconds: number): Buffer {
  const status = new BinaryWriter();
  status.uint32(8).int32(code);
  status.uint32(18).string(message);
  const detail = status.uint32(26).fork();
  detail.uint32(10).string(RETRY_INFO);
  const retryInfo = detail.uint32(18).fork();
  retryInfo.uint32(10).fork().uint32(8).int64(retryAfterSeconds).join();
  retryInfo.join();
  detail.join();
  return Buffer.from(status.finish());
}

/** Seconds of the RetryInfo among a status's details; undefined where there is none, or it is not to be read. */
export function retryAfterSecondsOf(status: Uint8Array): number | undefined {
  try {
    for (const detail of fieldsOf(status, 3)) {
      const [typeUrl] = fieldsOf(detail, 1);
      const [retryInfo] = fieldsOf(detail, 2);
      if (typeUrl === undefined || retryInfo === undefined) continue;
      if (Buffer.from(typeUrl).toString() !== RETRY_INFO) continue;
      const [delay] = fieldsOf(retryInfo, 1);
      if (delay !== undefined) return secondsOf(delay);
    }
  } catch {
    // Whatever it is, it is no RetryInfo.
  }
  return undefined;
}

/** Seconds of a google.protobuf.Duration, rounded up. */
function secondsOf(duration: Uint8Array): number {
  const reader = new BinaryReader(duration);
  let seconds = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) seconds += Number(reader.int64());
    else if (field === 2) seconds += reader.int32() / 1e9;
    else reader.skip(wireType, field);
  }
  return Math.ceil(seconds);
}

/** The values of a field of bytes. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === 2) values.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return values;
}
