import { kafkaEventLog } from '#libs/event-log/serve';
import { redisKeyView } from '#libs/key-view/serve';
import { sharedRateLimits } from '#libs/rate-limit/serve';
import { createLogger, kafkaVariables, readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { runProcess } from '#libs/service-kit/process-main';
import { redisVariables, variables } from './config.js';
import { serve } from './serve.js';

await runProcess(() => {
  const table = { ...variables, ...kafkaVariables, ...redisVariables };
  const config = readEnvironment(table, withFiles(process.env));
  const logger = createLogger('auth-verifier', config.logLevel);
  return serve(config, {
    logger,
    eventLog: kafkaEventLog('auth-verifier', config, logger),
    keyView: redisKeyView(config, logger),
    rateLimiting: (metrics) => sharedRateLimits(config, { logger, metrics }),
  });
});
