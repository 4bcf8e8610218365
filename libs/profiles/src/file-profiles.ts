import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type Document, isMap, parseDocument, visit } from 'yaml';
import { contradictionsOf } from './contradictions.js';
import type { Profile } from './profile.js';
import { ProfileDocument } from './profile-document.request.js';
import { profileOf } from './profile-of-document.js';
import { DEFAULT_PROFILE, Profiles } from './profiles.js';

/** Larger files are not read, bytes: a profile has some three thousand. */
const FILE_BYTES_MAX = 65_536;
/** Most that is said about what is no YAML: one slip makes much of the rest wrong. */
const YAML_MISTAKES_MAX = 10;
/** Of class-validator's constraints, in the words of YAML: where one of these fails, the others say nothing more. */
const FORMS: Readonly<Record<string, string>> = {
  whitelistValidation: 'is not a member of profiles',
  isArray: 'must be a list',
  isObject: 'must be a mapping',
  isString: 'must be text',
  isInt: 'must be a whole number',
  isBoolean: 'must be true or false',
};
const SENTENCES: Readonly<Record<string, string>> = {
  ...FORMS,
  arrayUnique: 'must not have the same twice',
  arrayNotEmpty: 'must not be empty',
};

/** Every mistake in the profiles, each as `file: path: sentence`. */
export class ProfileMistakes extends Error {
  override readonly name = 'ProfileMistakes';

  constructor(readonly mistakes: readonly string[]) {
    super(`the profiles have ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}`);
  }
}

/**
 * Reads the named profiles, or all there are for none, from the YAML files of a directory. `default` must be among
 * them. Throws {@link ProfileMistakes} with everything that is wrong in any of them, or among them.
 */
export function readProfiles(directory: string, names: readonly string[]): Profiles {
  const files = profileFilesOf(directory);
  const wanted =
    names.length === 0 ? files : [...new Set(names)].map((name) => join(directory, `${name}.yaml`));
  const missing = wanted.filter((file) => !files.includes(file));
  const { profiles, mistakes } = readProfileFiles(wanted.filter((file) => files.includes(file)));
  const all = [...missing.map((file) => `${file}: there is no such file`), ...mistakes];
  if (!wanted.includes(join(directory, `${DEFAULT_PROFILE}.yaml`))) {
    all.push(`${directory}: the profile ${DEFAULT_PROFILE} is missing`);
  }
  if (all.length > 0) throw new ProfileMistakes(all);
  return new Profiles(profiles);
}

/** Reads profiles that are to serve side by side, and tells everything that is wrong in any of them, or among them. */
export function readProfileFiles(files: readonly string[]): { profiles: Profile[]; mistakes: string[] } {
  const profiles: Profile[] = [];
  const mistakes: string[] = [];
  for (const file of files) {
    const read = readProfile(file);
    if ('profile' in read) profiles.push(read.profile);
    else mistakes.push(...read.mistakes);
  }
  return { profiles, mistakes: [...mistakes, ...sharedHosts(profiles)] };
}

/** Reads one profile, or tells everything that is wrong with it. */
export function readProfile(file: string): { profile: Profile } | { mistakes: string[] } {
  const yaml = readYaml(file);
  const mistaken = (problems: readonly string[]) => ({
    mistakes: problems.map((problem) => `${file}: ${problem}`),
  });
  if ('problems' in yaml) return mistaken(yaml.problems);
  const document = plainToInstance(ProfileDocument, yaml.plain);
  const errors = validateSync(document, { whitelist: true, forbidNonWhitelisted: true });
  const problems = [
    ...problemsOf(errors, ''),
    ...contradictionsOf(document, new Set(errors.map(({ property }) => property))),
  ];
  const expected = basename(file, '.yaml');
  if (typeof document.name === 'string' && document.name !== expected) {
    problems.push(`name: must be that of the file, ${expected}`);
  }
  return problems.length === 0 ? { profile: profileOf(document) } : mistaken(problems);
}

/** The paths of a directory's profiles. Throws {@link ProfileMistakes} where it cannot be read. */
export function profileFilesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.yaml'))
      .toSorted()
      .map((file) => join(directory, file));
  } catch (error) {
    throw new ProfileMistakes([`${directory}: cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
}

/** Plain YAML 1.2 of one mapping: what makes another document of it than is seen is a mistake. */
function readYaml(file: string): { plain: object } | { problems: string[] } {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) return { problems: [`is larger than ${FILE_BYTES_MAX} bytes`] };
    const bytes = readFileSync(file);
    if (!isUtf8(bytes)) return { problems: ['is not UTF-8'] };
    const document = parseDocument(bytes.toString(), { stringKeys: true });
    const broken = [...document.errors, ...document.warnings].map(({ message }) => firstLine(message));
    if (broken.length > 0) return { problems: broken.slice(0, YAML_MISTAKES_MAX) };
    if (!isMap(document.contents)) return { problems: ['must be a mapping'] };
    const problems = surprisesIn(document);
    return problems.length > 0 ? { problems } : { plain: document.toJS() as object };
  } catch (error) {
    return {
      problems: [`cannot be read (${(error as NodeJS.ErrnoException).code ?? firstLine(String(error))})`],
    };
  }
}

/** Aliases can grow without bound, and some names are on every object, where they would not be noticed. */
function surprisesIn(document: Document): string[] {
  const problems: string[] = [];
  visit(document, {
    Alias: () => void problems.push('has an alias; write out what it stands for'),
    Pair: (_, { key }) => {
      if (String(key) in Object.prototype) problems.push(`${String(key)}: no member can have this name`);
    },
  });
  return problems;
}

/** One host has one profile, or a key would be asked for in two. */
function sharedHosts(profiles: readonly Profile[]): string[] {
  const owners = new Map<string, string[]>();
  for (const { name, hosts } of profiles) {
    for (const host of hosts) owners.set(host, [...(owners.get(host) ?? []), name]);
  }
  return [...owners]
    .filter(([, { length }]) => length > 1)
    .map(([host, names]) => `the host ${host} is claimed by ${names.join(' and ')}`);
}

function problemsOf(errors: readonly ValidationError[], parent: string): string[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = parent === '' ? property : `${parent}.${property}`;
    const form = Object.keys(FORMS).find((name) => constraints[name] !== undefined);
    const own =
      form === undefined ? Object.entries(constraints) : [[form, constraints[form] as string] as const];
    return [
      ...own.map(([name, message]) => `${path}: ${sentenceOf(name, message, property)}`),
      ...(form === undefined ? problemsOf(children, path) : []),
    ];
  });
}

/** class-validator begins with the member's name, which the path has said. */
function sentenceOf(constraint: string, message: string, property: string): string {
  const own = SENTENCES[constraint];
  if (message.startsWith('each value in '))
    return own === undefined ? `each ${message.slice(`each value in ${property} `.length)}` : `each ${own}`;
  return own ?? (message.startsWith(`${property} `) ? message.slice(property.length + 1) : message);
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.replace(/:$/, '') ?? '';
}
