/**
 * Every "no" of a rule: its code, the sentence the caller reads, and its status over HTTP and gRPC.
 * A rejection is expected and carries no stack; anything else that goes wrong is a fault.
 */
export const REJECTIONS = {
  INVALID_REQUEST: { message: 'The request is not valid.', http: 400, grpc: 'INVALID_ARGUMENT' },
  UNAUTHENTICATED: { message: 'Valid credentials are required.', http: 401, grpc: 'UNAUTHENTICATED' },
  INVALID_CREDENTIAL: { message: 'The API key is not valid.', http: 401, grpc: 'UNAUTHENTICATED' },
  CREDENTIAL_REVOKED: { message: 'The API key is revoked.', http: 401, grpc: 'UNAUTHENTICATED' },
  CREDENTIAL_RETIRED: {
    message: 'The API key has a newer secret; this one is retired.',
    http: 401,
    grpc: 'UNAUTHENTICATED',
  },
  CREDENTIAL_EXPIRED: { message: 'The API key is expired.', http: 401, grpc: 'UNAUTHENTICATED' },
  TENANT_SUSPENDED: { message: 'The tenant is suspended.', http: 403, grpc: 'PERMISSION_DENIED' },
  FORBIDDEN: { message: 'The credentials do not allow this.', http: 403, grpc: 'PERMISSION_DENIED' },
  EXCEEDS_CEILING: {
    message: 'A key may not give more than it has: scopes, environment and expiry stay within its own.',
    http: 403,
    grpc: 'PERMISSION_DENIED',
  },
  HTTPS_REQUIRED: { message: 'Requests must be made over HTTPS.', http: 403, grpc: 'PERMISSION_DENIED' },
  NOT_FOUND: { message: 'There is nothing at this address.', http: 404, grpc: 'NOT_FOUND' },
  METHOD_NOT_ALLOWED: {
    message: 'What lies at this address does not take this method.',
    http: 405,
    grpc: 'UNIMPLEMENTED',
  },
  TENANT_NOT_FOUND: { message: 'There is no such tenant.', http: 404, grpc: 'NOT_FOUND' },
  KEY_NOT_FOUND: { message: 'There is no such key.', http: 404, grpc: 'NOT_FOUND' },
  KEY_REVOKED: { message: 'The key is revoked, which is permanent.', http: 409, grpc: 'FAILED_PRECONDITION' },
  KEY_EXPIRED: { message: 'The key is expired.', http: 409, grpc: 'FAILED_PRECONDITION' },
  ROTATION_IN_PROGRESS: {
    message:
      'The previous secret is still in its grace period; retire it first, or rotate with retirePrevious.',
    http: 409,
    grpc: 'FAILED_PRECONDITION',
  },
  CHANGE_NOT_ALLOWED: {
    message: 'The product of this tenant does not allow this change of a key.',
    http: 409,
    grpc: 'FAILED_PRECONDITION',
  },
  PROFILE_FIXED: {
    message: 'The tenant belongs to another profile, which never changes.',
    http: 409,
    grpc: 'FAILED_PRECONDITION',
  },
  ACTIVE_KEY_LIMIT: {
    message: 'The tenant has as many active keys as it may have.',
    http: 409,
    grpc: 'RESOURCE_EXHAUSTED',
  },
  DIGEST_TAKEN: { message: 'This digest belongs, or belonged, to a key.', http: 409, grpc: 'ALREADY_EXISTS' },
  CONFLICT: { message: 'Others changed this at the same time; try again.', http: 409, grpc: 'ABORTED' },
  IDEMPOTENCY_KEY_IN_USE: {
    message: 'A request with this Idempotency-Key is still running.',
    http: 409,
    grpc: 'ABORTED',
  },
  INCARNATION_UNKNOWN: {
    message: 'This incarnation of a verifier is not registered, or was given up.',
    http: 409,
    grpc: 'FAILED_PRECONDITION',
  },
  PAYLOAD_TOO_LARGE: { message: 'The request body is too large.', http: 413, grpc: 'INVALID_ARGUMENT' },
  UNSUPPORTED_MEDIA_TYPE: {
    message: 'The request body must be application/json.',
    http: 415,
    grpc: 'INVALID_ARGUMENT',
  },
  IDEMPOTENCY_KEY_REUSED: {
    message: 'This Idempotency-Key was used with another request.',
    http: 422,
    grpc: 'INVALID_ARGUMENT',
  },
  RATE_LIMITED: { message: 'Too many requests.', http: 429, grpc: 'RESOURCE_EXHAUSTED' },
  UNAVAILABLE: {
    message: 'The service cannot answer now; try again shortly.',
    http: 503,
    grpc: 'UNAVAILABLE',
  },
  FENCE_LEASE_LAPSED: {
    message:
      'The verifier has lost touch with the authority and cannot tell what is revoked; try again shortly.',
    http: 503,
    grpc: 'UNAVAILABLE',
  },
} as const satisfies Record<string, RejectionRow>;

export interface RejectionRow {
  message: string;
  http: number;
  grpc: GrpcStatusName;
}

/** Names of gRPC status codes that a rejection may take. */
export type GrpcStatusName =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'UNIMPLEMENTED'
  | 'FAILED_PRECONDITION'
  | 'RESOURCE_EXHAUSTED'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'UNAVAILABLE';

export type RejectionCode = keyof typeof REJECTIONS;

/** One field of a request that is not as it must be. */
export interface FieldProblem {
  /** Path of the field, e.g. `scopes.0`. */
  field: string;
  message: string;
}

/** Thrown where a rule says no. Its message is public; `fields` names what is wrong in the request. */
export class Rejection extends Error {
  override readonly name = 'Rejection';

  constructor(
    readonly code: RejectionCode,
    readonly fields: readonly FieldProblem[] = [],
    /** Seconds after which a retry makes sense, for `Retry-After`. */
    readonly retryAfterSeconds?: number,
  ) {
    super(REJECTIONS[code].message);
  }
}
