/**
 * A text without what may be a credential in it, for the messages and stacks of errors: they come from drivers and
 * parsers, which may quote what they were given. A last line of defence; nothing may rely on it.
 */
export function redactText(text: string): string {
  return text
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`)
    .replace(/\/\/[^\s/@]+@/g, `//${REDACTED}@`)
    .replace(
      /(\b(?:password|secret|token|credential|authorization)["']?\s*[:=]\s*)("[^"]*"|[^\s",;&]+)/gi,
      `$1${REDACTED}`,
    )
    .replace(/[A-Za-z0-9_-]{24,}/g, (run) => (isKeyLike(run) ? REDACTED : run));
}

export const REDACTED = '[redacted]';

/** A prefix and a long random part, as keys of every product have them; ids of keys tell nothing. */
function isKeyLike(run: string): boolean {
  return /^[A-Za-z][\w-]*_[A-Za-z0-9]{24,}$/.test(run) && !/^key_[0-9a-f]{30}$/.test(run);
}
