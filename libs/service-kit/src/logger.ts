import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stdout: one `level`, `time`, `service` and `msg` each. Never hand it a secret or a whole request. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
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
      censor: '[redacted]',
    },
  });
}
