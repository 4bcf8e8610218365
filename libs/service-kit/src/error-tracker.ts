/** A request that ended in an internal error. */
export interface Fault {
  /** In the answer and in the log. */
  errorId: string;
  /** What was thrown; whoever sends it on takes name, message and stack alone. */
  error: unknown;
  /** Null over gRPC, where a call has none. */
  requestId: string | null;
  /** Trace id of the W3C `traceparent` that came with the request; null without one. */
  traceId: string | null;
  /** Pattern of the route, `unknown` where none matched; over gRPC the path of the method. */
  route: string;
  /** Of HTTP, or `gRPC`. */
  method: string;
}

/** A service that collects errors, such as Sentry or whatever a webhook leads to. */
export abstract class ErrorTracker {
  /** Takes note of a fault. Returns at once and never throws: the request is still to be answered. */
  abstract report(fault: Fault): void;

  /** Hands over what it still holds, as far as that goes within seconds, and takes nothing any more. */
  abstract close(): Promise<void>;
}
