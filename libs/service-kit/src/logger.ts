import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { REDACTED, redactText } from './redaction.js';

export type { Logger } from 'pino';

/**
 * JSON lines, on stdout unless told otherwise: one `level`, `time`, `service` and `msg` each. Never hand it a secret or a
 * whole request.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: redactedError },
    // A last line of defence: fields of these names are never written, whatever object they come with.
    redact: {
      paths: [
        'secret',
        'credential',
        'authorization',
        '*.secret',
        '*.credential',
        '*.authorization',
        'err.config',
        'err.client',
      ],
      censor: REDACTED,
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What was thrown, as texts that are safe to show to those who read logs; with the stacks of its causes. */
export function describeError(error: unknown): { name: string; message: string; stack: string } {
  const fields = redactedError(error);
  if (!isSerializedError(fields)) return { name: typeof error, message: NO_ERROR, stack: '' };
  return { name: String(fields['type']), message: String(fields['message']), stack: fields.stack };
}

/** What is no error may be anything, so nothing of it is shown. */
const NO_ERROR = 'what was thrown is no error';

interface SerializedError extends Record<string, unknown> {
  stack: string;
}

/** As pino writes errors, but for what looks like a credential in their texts. */
function redactedError(error: unknown): unknown {
  // Pino marks an error while it reads it, which a frozen one would answer by throwing.
  const readable = Object.isFrozen(error) && error instanceof Object ? Object.create(error) : error;
  return redacted(pino.stdSerializers.err(readable as Error));
}

function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redacted);
  if (!isSerializedError(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([field, part]) => [field, redacted(part)]));
}

function isSerializedError(value: unknown): value is SerializedError {
  return typeof (value as SerializedError | null)?.stack === 'string';
}
