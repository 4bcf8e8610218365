import { crc32 } from 'node:zlib';

export type Environment = 'live' | 'test';

/** How a product's secrets look. */
export interface KeyFormatRules {
  /**
   * What a secret is put together from: text as it stands, and `{environment}`, `{tenantId}`, `{random}` (once) and
   * `{checksum}` (last, where there is one).
   */
  template: string;
  /** What `{environment}` stands for; an environment that is not here has no keys. */
  environments: Partial<Record<Environment, string>>;
  /** The characters that `{random}` is drawn from, each once. */
  alphabet: string;
  /** How many characters are drawn. */
  randomLength: number;
  /**
   * `crc32`: 6 base62 characters of the CRC-32 of everything before them. It tells a typo or a scan from a key
   * without asking anyone; it is no protection.
   */
  checksum: 'none' | 'crc32';
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_LENGTH = 6;
const PLACEHOLDERS = ['{environment}', '{tenantId}', '{random}', '{checksum}'];
/** As tenants are registered; key-management holds them to it. */
const TENANT_ID = '[a-z0-9][a-z0-9_-]{0,62}';

/** Makes the secrets of one product, and knows them by their form. */
export class KeyFormat {
  private readonly form: RegExp;

  constructor(private readonly rules: KeyFormatRules) {
    this.form = new RegExp(
      `^${partsOf(rules.template)
        .map((part) => patternOf(part, rules))
        .join('')}$`,
    );
  }

  /**
   * A new secret. Bytes that would make some characters likelier than others are thrown away; `randomBytes` must be
   * a CSPRNG. Throws a RangeError for an environment without keys.
   */
  compose(environment: Environment, tenantId: string, randomBytes: (length: number) => Buffer): string {
    const { rules } = this;
    const shown = rules.environments[environment];
    if (shown === undefined) throw new RangeError(`there are no keys of the environment ${environment}`);
    let secret = '';
    for (const part of partsOf(rules.template)) {
      if (part === '{environment}') secret += shown;
      else if (part === '{tenantId}') secret += tenantId;
      else if (part === '{random}') secret += draw(rules, randomBytes);
      else secret += part === '{checksum}' ? checksum(secret) : part;
    }
    return secret;
  }

  /** True for what can only be a secret of this format, broken or not: it begins as one, and a checksum tells. */
  claims(credential: string): boolean {
    const [start = ''] = partsOf(this.rules.template);
    return this.rules.checksum !== 'none' && !isPlaceholder(start) && credential.startsWith(start);
  }

  /** True where the credential has the form and its checksum, if it has one, is right. */
  accepts(credential: string): boolean {
    if (!this.form.test(credential)) return false;
    if (this.rules.checksum === 'none') return true;
    return checksum(credential.slice(0, -CHECKSUM_LENGTH)) === credential.slice(-CHECKSUM_LENGTH);
  }
}

/** What a secret is hard to guess by, in bits. */
export function randomBitsOf({ alphabet, randomLength }: KeyFormatRules): number {
  return randomLength * Math.log2(alphabet.length);
}

/** What is wrong with a template, as ends of a sentence that begins with its name. */
export function templateProblems({ template, environments, checksum: kind }: KeyFormatRules): string[] {
  const parts = partsOf(template);
  const count = (placeholder: string) => parts.filter((part) => part === placeholder).length;
  const texts = parts.filter((part) => !isPlaceholder(part));
  const problems: string[] = [];
  if (texts.some((part) => !/^[A-Za-z0-9_.-]*$/.test(part))) {
    problems.push(`must have letters, digits, "_", "-", "." and ${PLACEHOLDERS.join(', ')} only`);
  }
  if (count('{random}') !== 1) problems.push('must contain {random} once');
  if (count('{environment}') > 1 || count('{tenantId}') > 1) {
    problems.push('must contain {environment} and {tenantId} at most once each');
  }
  if (count('{environment}') === 0 && Object.keys(environments).length > 1) {
    problems.push('must contain {environment}, since there is more than one');
  }
  if (kind === 'none' && count('{checksum}') > 0) problems.push('has a {checksum}, and checksum is none');
  if (kind !== 'none' && (count('{checksum}') !== 1 || parts.at(-1) !== '{checksum}')) {
    problems.push('must end with its one {checksum}');
  }
  if (count('{tenantId}') === 1 && !standsApart(parts, parts.indexOf('{tenantId}'))) {
    problems.push('must set {tenantId} apart by "_", "-" or ".", like {tenantId}_{random}');
  }
  return problems;
}

/** No placeholder has a "_", "-" or "." of its own at its edge but the tenant id, so that its end can be found. */
function standsApart(parts: readonly string[], at: number): boolean {
  const [before = '_', after = '_'] = [parts[at - 1], parts[at + 1]];
  return /[_.-]$/.test(before) && /^[_.-]/.test(after);
}

function isPlaceholder(part: string): boolean {
  return PLACEHOLDERS.includes(part);
}

function partsOf(template: string): string[] {
  return template.split(/(\{[a-zA-Z]+\})/).filter((part) => part !== '');
}

function patternOf(part: string, { environments, alphabet, randomLength }: KeyFormatRules): string {
  switch (part) {
    case '{environment}':
      return `(?:${Object.values(environments).map(escaped).join('|')})`;
    case '{tenantId}':
      return TENANT_ID;
    case '{random}':
      return `[${escaped(alphabet)}]{${randomLength}}`;
    case '{checksum}':
      return `[0-9A-Za-z]{${CHECKSUM_LENGTH}}`;
    default:
      return escaped(part);
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function draw({ alphabet, randomLength }: KeyFormatRules, randomBytes: (length: number) => Buffer): string {
  const fair = 256 - (256 % alphabet.length);
  let random = '';
  while (random.length < randomLength) {
    for (const byte of randomBytes(randomLength * 2)) {
      if (byte < fair && random.length < randomLength) random += alphabet.charAt(byte % alphabet.length);
    }
  }
  return random;
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
