/** A service that is killed once so many requests of the log have been answered. */
export interface Kill {
  app: string;
  afterRequests: number;
}

const APPS_BY_NAME: Record<string, string> = {
  verifier: 'auth-verifier',
  'auth-verifier': 'auth-verifier',
  usage: 'usage',
  management: 'key-management',
  'key-management': 'key-management',
  api: 'api',
};

/** Reads `verifier@5000`; throws where the service is unknown or the number is not one of a request. */
export function readKill(text: string): Kill {
  const [, name = '', number = ''] = /^([a-z-]+)@(\d{1,9})$/.exec(text) ?? [];
  const app = APPS_BY_NAME[name];
  const afterRequests = Number(number);
  if (app === undefined || afterRequests === 0) {
    throw new Error(
      `--kill ${text}: it is SERVICE@REQUESTS with one of ${Object.keys(APPS_BY_NAME).join(', ')} and a number from 1`,
    );
  }
  return { app, afterRequests };
}
