import { kafkaVariables, type Variable } from '#libs/service-kit';
import { variables as api } from '../../apps/api/src/config.js';
import { redisVariables, variables as authVerifier } from '../../apps/auth-verifier/src/config.js';
import { variables as keyManagement } from '../../apps/key-management/src/config.js';
import { variables as standalone } from '../../apps/standalone/src/config.js';
import { variables as usage } from '../../apps/usage/src/config.js';

export type VariableTable = Readonly<Record<string, Variable<unknown>>>;

/** Every variable that a deployed service reads, as its main.ts puts the tables together. */
export const SERVICE_VARIABLES = {
  api: { ...api, ...kafkaVariables },
  'auth-verifier': { ...authVerifier, ...kafkaVariables, ...redisVariables },
  'key-management': { ...keyManagement, ...kafkaVariables },
  usage: { ...usage, ...kafkaVariables },
} satisfies Record<string, VariableTable>;

export const STANDALONE_VARIABLES: VariableTable = standalone;
