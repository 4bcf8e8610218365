/** One request of an access log, as it is to be sent again. */
export interface LoggedRequest {
  /** Number of its line, from 1. */
  line: number;
  /** The client's address as the log has it: IPv4, IPv6 or a host name. */
  client: string;
  method: string;
  /** The request target byte for byte, one character for each byte (latin-1). */
  target: string;
}

/** A line that is not sent again, with the reason. */
export interface UnreadableLine {
  line: number;
  reason: string;
}

export interface AccessLog {
  requests: LoggedRequest[];
  unreadable: UnreadableLine[];
}

/**
 * Client, identity, user, time, request line. What follows (status, size, referrer, user agent) is not needed, so that
 * a line whose end is damaged still counts as the request that it was.
 */
const LINE = /^(\S+) \S+ .*?\[[^\]]*\] "((?:[^"\\]|\\.)*)"/;
const REQUEST_LINE = /^([A-Z][A-Z-]*) (\S+) HTTP\/\d(?:\.\d)?$/;
/** Node's client sends no other bytes in a target. */
const SENDABLE = /^[\x21-\xff]+$/;
/** Node's server reads request line and headers up to 16 KiB; what the replay adds to the target fits in the rest. */
const TARGET_BYTES_MAX = 15 * 1024;

/** Reads a log in Apache's combined (or common) format; `methods` are those that Node's HTTP parser accepts. */
export function readAccessLog(text: string, methods: readonly string[]): AccessLog {
  const accepted = new Set(methods);
  const log: AccessLog = { requests: [], unreadable: [] };
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    const parsed = readLine(content.replace(/\r$/, ''), accepted);
    if (typeof parsed === 'string') log.unreadable.push({ line, reason: parsed });
    else log.requests.push({ line, ...parsed });
  }
  return log;
}

function readLine(content: string, methods: ReadonlySet<string>): Omit<LoggedRequest, 'line'> | string {
  const match = LINE.exec(content);
  if (match === null) return 'is not in the combined log format';
  const [, client = '', escaped = ''] = match;
  const [, method = '', target = ''] = REQUEST_LINE.exec(unescaped(escaped)) ?? [];
  if (method === '') return 'has no request line';
  if (!methods.has(method)) return `has the method ${method}, which no HTTP server of Node accepts`;
  if (!SENDABLE.test(target)) return 'has a target with control characters';
  if (target.length > TARGET_BYTES_MAX) return `has a target of more than ${TARGET_BYTES_MAX} bytes`;
  return { client, method, target };
}

const ESCAPES: Record<string, string> = {
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
};

/** Apache writes quotes, backslashes and what is not printable ASCII with a backslash. */
function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (whole, hex?: string, letter?: string) =>
    hex === undefined ? (ESCAPES[letter ?? ''] ?? whole) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
