/**
 * What gives a secret away: the part of it that no one may show, as it is or in a usual encoding. First and last
 * characters are left out, because hints of them are shown on purpose.
 */
export function needlesOf(secret: string): string[] {
  const core = secret.slice(12, -4);
  if (core.length < 12) throw new Error('a canary must have at least 28 characters');
  return [core, Buffer.from(core).toString('hex'), ...base64Forms(core)];
}

/** Which of the named secrets a text gives away. */
export function secretsIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => needlesOf(secret).some((needle) => text.includes(needle)))
    .map(([name]) => name);
}

/** In base64 a text looks different with the place where it begins, modulo 3; the characters it shares are left out. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]);
    const from = Math.ceil((shift * 8) / 6);
    const form = bytes
      .subarray(0, bytes.length - (bytes.length % 3))
      .toString('base64')
      .slice(from);
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
