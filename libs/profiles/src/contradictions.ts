/** What no single member of a document shows: that it contradicts another, or that nothing would come of it. */
import { type KeyFormatRules, randomBitsOf, templateProblems } from '#libs/key-secret';
import { bodyProblems, messageProblems, tellsErrorId } from './error-body.js';
import { collectionProblems } from './collection-problems.js';
import { errorTableOf } from './error-table.js';
import { alphabetProblems } from './key-alphabet.js';
import { legacyPatternOf } from './legacy-pattern.js';
import type { ProfileDocument } from './profile-document.request.js';
import { formatRulesOf } from './profile-of-document.js';
import { versionProblems } from './version-problems.js';

/** Least randomness of a secret that hints do not show, bits: what importers must attest, too. */
const RANDOM_BITS_MIN = 112;

type Member = keyof ProfileDocument;

const CHECKS: readonly { of: readonly Member[]; problems: (document: ProfileDocument) => string[] }[] = [
  { of: ['basePath'], problems: basePathProblems },
  { of: ['corsOrigins'], problems: originProblems },
  { of: ['keys'], problems: keyProblems },
  { of: ['scopes'], problems: scopeProblems },
  { of: ['keys', 'scopes'], problems: changeProblems },
  { of: ['scopes', 'managedKeysPath'], problems: managingProblems },
  { of: ['scopes', 'plans', 'rateLimit'], problems: limitProblems },
  { of: ['basePath', 'managedKeysPath', 'versions', 'collections'], problems: pathProblems },
  { of: ['collections'], problems: ({ collections }) => collectionProblems(collections) },
  { of: ['collections', 'versions', 'scopes', 'managedKeysPath'], problems: versionProblems },
  { of: ['roles'], problems: ({ roles }) => twice('roles', roles) },
  { of: ['errors'], problems: errorProblems },
];

/** Every contradiction among the members that have their right form, each as `path: sentence`. */
export function contradictionsOf(document: ProfileDocument, misformed: ReadonlySet<string>): string[] {
  return CHECKS.filter(({ of }) => !of.some((member) => misformed.has(member))).flatMap(({ problems }) =>
    problems(document),
  );
}

/** What lies there belongs to no product, and is found first. */
function basePathProblems({ basePath }: ProfileDocument): string[] {
  return `${basePath}/`.startsWith('/docs/')
    ? ['basePath: must not lie below /docs, where documents are']
    : [];
}

function originProblems({ corsOrigins }: ProfileDocument): string[] {
  return [
    ...(corsOrigins.includes('*') && corsOrigins.length > 1 ? ['corsOrigins: has "*" beside others'] : []),
    ...corsOrigins
      .filter((origin) => origin !== '*' && !isOrigin(origin))
      .map((origin) => `corsOrigins: no browser sends the origin ${origin}`),
  ];
}

/** Browsers leave the usual port out. */
function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}

function keyProblems({ keys }: ProfileDocument): string[] {
  const { format, hint, legacyPatterns, expiry, changes, listed } = keys;
  const rules = formatRulesOf(format);
  const alphabet = alphabetProblems(format.alphabet);
  const shown = Object.values(rules.environments);
  return [
    ...templateProblems(rules).map((problem) => `keys.format.template: ${problem}`),
    ...(shown.length === 0 ? ['keys.format.environments: must have live, test, or both'] : []),
    ...(new Set(shown).size < shown.length ? ['keys.format.environments: must differ'] : []),
    ...alphabet.map((problem) => `keys.format.alphabet: ${problem}`),
    ...(alphabet.length === 0 ? randomnessProblems(rules, hint) : []),
    ...legacyPatterns
      .map(legacyPatternOf)
      .flatMap((pattern, at) =>
        typeof pattern === 'string' ? [`keys.legacyPatterns.${at}: ${pattern}`] : [],
      ),
    ...(expiry === 'never' && changes.includes('expiresAt')
      ? ['keys.changes: names expiresAt, and keys never expire']
      : []),
    ...(listed.includes('active') ? [] : ['keys.listed: must name active']),
  ];
}

function randomnessProblems(rules: KeyFormatRules, hint: { first: number; last: number }): string[] {
  const bits = randomBitsOf(rules);
  const beforeRandom = shortestBeforeRandom(rules);
  const lastAlphabet = rules.checksum === 'none' ? rules.alphabet.length : 62;
  const hintBits =
    Math.max(0, hint.first - beforeRandom) * Math.log2(rules.alphabet.length) +
    hint.last * Math.log2(lastAlphabet);
  if (bits - hintBits >= RANDOM_BITS_MIN) return [];
  return [
    `keys.format.randomLength: gives ${Math.floor(bits)} bits of randomness, of which hints show ` +
      `${Math.ceil(hintBits)}; at least ${RANDOM_BITS_MIN} must stay unknown`,
  ];
}

function shortestBeforeRandom({ template, environments }: KeyFormatRules): number {
  const environment = Object.values(environments).toSorted((a, b) => a.length - b.length)[0] ?? '';
  const [before = ''] = template.split('{random}', 1);
  return before.replaceAll('{environment}', environment).replaceAll('{tenantId}', 't').length;
}

function scopeProblems({ scopes: { choice, whenAbsent, rules } }: ProfileDocument): string[] {
  const all = choice === 'all';
  return [
    ...twice('scopes.rules', rules),
    ...(choice !== 'free' && rules.length === 0 ? ['scopes.rules: must name a scope'] : []),
    ...(all && whenAbsent !== 'all' ? ['scopes.whenAbsent: must be all where every key has all'] : []),
    ...(!all && choice !== 'some' && whenAbsent === 'all'
      ? [`scopes.whenAbsent: cannot be all where the choice is ${choice}`]
      : []),
  ];
}

function changeProblems({ keys: { changes }, scopes: { choice } }: ProfileDocument): string[] {
  return choice === 'all' && changes.includes('scopes')
    ? ['keys.changes: names scopes, and every key has the same']
    : [];
}

function managingProblems({ scopes: { rules }, managedKeysPath }: ProfileDocument): string[] {
  const managing = rules.some(({ managesKeys }) => managesKeys === true);
  return managing === (managedKeysPath !== undefined)
    ? []
    : ['managedKeysPath: must be there where a scope manages keys, and only there'];
}

/** What the product's API has at the same place. */
function pathProblems({ managedKeysPath, versions, collections }: ProfileDocument): string[] {
  const places = [
    '/whoami',
    '/enforcements',
    ...(managedKeysPath === undefined ? [] : [managedKeysPath]),
    ...(versions === undefined ? [] : [versions.accountPath]),
    ...collections.filter(({ parent }) => parent === undefined).map(({ name }) => `/${name}`),
  ];
  const within = (path: string, other: string) => path === other || path.startsWith(`${other}/`);
  return places.flatMap((path, at) =>
    places
      .slice(0, at)
      .filter((other) => within(path, other) || within(other, path))
      .map((other) => `${path} lies where ${other} does: give one of them another name`),
  );
}

function limitProblems({ scopes, plans, rateLimit }: ProfileDocument): string[] {
  if (rateLimit === undefined)
    return plans.length === 0 ? [] : ['plans: are named, and nothing is limited by them'];
  const names = scopes.rules.map(({ name }) => name);
  const path = 'rateLimit.rows';
  const unknown = rateLimit.rows.flatMap(({ scope, plan }, at) => [
    ...(scope === undefined || names.includes(scope)
      ? []
      : [`${path}.${at}: names no scope of the profile: ${scope}`]),
    ...(plan === undefined || plans.includes(plan)
      ? []
      : [`${path}.${at}: names no plan of the profile: ${plan}`]),
  ]);
  const cells = new Set(rateLimit.rows.map(({ scope = '*', plan = '*' }) => `${scope} ${plan}`));
  const byScope = rateLimit.per === 'tenant' && rateLimit.rows.some(({ scope }) => scope !== undefined);
  return [
    ...unknown,
    ...(cells.size < rateLimit.rows.length ? [`${path}: has two rows for the same scope and plan`] : []),
    ...(byScope ? [`${path}: cannot name scopes where the budget is the tenant's`] : []),
    ...uncovered(cells, names, plans).map((words) => `${path}: has none for ${words}`),
  ];
}

function uncovered(
  cells: ReadonlySet<string>,
  scopes: readonly string[],
  plans: readonly string[],
): string[] {
  return (scopes.length === 0 ? ['*'] : scopes).flatMap((scope) =>
    (plans.length === 0 ? ['*'] : plans)
      .filter(
        (plan) => ![`${scope} ${plan}`, `${scope} *`, `* ${plan}`, '* *'].some((cell) => cells.has(cell)),
      )
      .map((plan) =>
        [
          ...(scope === '*' ? [] : [`the scope ${scope}`]),
          ...(plan === '*' ? [] : [`the plan ${plan}`]),
        ].join(' and '),
      ),
  );
}

function errorProblems({ errors }: ProfileDocument): string[] {
  const { table, problems } = errorTableOf(errors, errors.body === 'problem' ? 'own' : 'none');
  const body = bodyProblems(errors.body);
  const id = body.length > 0 || tellsErrorId(errors.body, table.INTERNAL?.message ?? null);
  return [
    ...body,
    ...errors.rows.flatMap(({ on, message = '' }, at) =>
      messageProblems(message, on).map((problem) => `errors.rows.${at}.message: ${problem}`),
    ),
    ...problems.map((problem) => `errors: ${problem}`),
    ...(id ? [] : ['errors: must tell {errorId} for INTERNAL, in the body or in its message']),
  ];
}

export function twice(path: string, named: readonly { name: string }[]): string[] {
  const names = named.map(({ name }) => name);
  return [...new Set(names.filter((name, at) => names.indexOf(name) < at))].map(
    (name) => `${path}: names ${name} twice`,
  );
}
