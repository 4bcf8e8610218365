/** Where a request came from and how it is found again in logs and traces. */
export interface RequestContext {
  requestId: string;
  /** Trace id of the W3C `traceparent` header, 32 hexadecimal digits; null without one. */
  traceId: string | null;
  /** Address of the client; proxies are believed only where they are trusted. */
  sourceAddress: string;
}

export function traceIdOf(traceparent: string | string[] | undefined): string | null {
  if (typeof traceparent !== 'string') return null;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1] ?? null;
}

export function requestContextOf(request: {
  id: string;
  ip: string;
  headers: Record<string, string | string[] | undefined>;
}): RequestContext {
  return {
    requestId: request.id,
    traceId: traceIdOf(request.headers.traceparent),
    sourceAddress: request.ip,
  };
}
