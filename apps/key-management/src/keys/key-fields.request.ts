import { buildMessage, ValidateBy } from 'class-validator';

/** Scopes are matched exactly; this is how they may look. */
export const SCOPE_PATTERN = /^[a-z][a-z0-9:._-]{0,63}$/;

/** Most scopes of a key. */
export const SCOPES_MAX = 64;

/** Largest metadata of a key as JSON, bytes. */
export const METADATA_BYTES_MAX = 4096;

/** The value's JSON is at most 4 KiB long. */
export function IsMetadata(): PropertyDecorator {
  return ValidateBy({
    name: 'isMetadata',
    validator: {
      validate: (value) => Buffer.byteLength(JSON.stringify(value) ?? '') <= METADATA_BYTES_MAX,
      defaultMessage: buildMessage(
        (each) => `${each}$property must be at most ${METADATA_BYTES_MAX} bytes of JSON`,
      ),
    },
  });
}

/** Milliseconds since the epoch of an ISO 8601 text; null stays null. */
export function instantOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text);
}
