import type { Variable } from '#libs/service-kit';
import { text } from '#libs/service-kit';
import { ProfileMistakes, readProfiles } from './file-profiles.js';
import type { Profiles } from './profiles.js';

const DIRECTORY = 'LATCHKEY_PROFILES_DIR';
const DIRECTORY_DEFAULT = 'deploy/profiles';

/** What every process that knows products reads from its environment; it must be the same for all of them. */
export const profileVariables = {
  profilesDirectory: text(
    DIRECTORY,
    DIRECTORY_DEFAULT,
    'directory of the profiles, `<name>.yaml` each; relative to the working directory',
  ),
  profiles: profiles(),
} as const;

function profiles(): Variable<Profiles> {
  return {
    ...text(
      'LATCHKEY_PROFILES',
      'default',
      'the profiles of this deployment, separated by commas, `default` among them; `*`: all of the directory',
    ),
    parse(value, environment) {
      const names = value.split(',').flatMap((name) => name.trim() || []);
      if (names.length === 0) throw new Error('names no profile');
      try {
        return readProfiles(environment[DIRECTORY]?.trim() || DIRECTORY_DEFAULT, value === '*' ? [] : names);
      } catch (error) {
        if (!(error instanceof ProfileMistakes)) throw error;
        throw new Error(['names profiles with mistakes:', ...error.mistakes].join('\n    '), {
          cause: error,
        });
      }
    },
  };
}
