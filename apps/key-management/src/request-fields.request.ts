import { buildMessage, isISO8601, ValidateBy, ValidateIf } from 'class-validator';

/** RFC 3339: without an offset a time would mean another instant on each machine. */
const INSTANT =
  /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** The last instant whose year has four digits. */
const INSTANT_MAX_MS = Date.UTC(10_000, 0) - 1;

/** NUL and halves of surrogate pairs, as JSON writes them: PostgreSQL keeps neither in text. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** Whether PostgreSQL can keep the value, however deep its texts lie in it. */
export function isStorable(value: unknown): boolean {
  return !UNSTORABLE.test(JSON.stringify(value) ?? '');
}

/** The field may be absent, but not null. */
export function CanBeAbsent(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** No text in the value has a character that cannot be stored. */
export function IsStorable(): PropertyDecorator {
  return ValidateBy({
    name: 'isStorable',
    validator: {
      validate: isStorable,
      defaultMessage: buildMessage(
        (each) => `${each}$property must not contain NUL or half a surrogate pair`,
      ),
    },
  });
}

/** A date and time with its offset from UTC. */
export function IsInstant(): PropertyDecorator {
  return ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value) =>
        typeof value === 'string' &&
        INSTANT.test(value) &&
        isISO8601(value.toUpperCase(), { strict: true }) &&
        Date.parse(value) <= INSTANT_MAX_MS,
      defaultMessage: buildMessage(
        (each) => `${each}$property must be a date and time with an offset, like 2030-01-01T00:00:00Z`,
      ),
    },
  });
}
