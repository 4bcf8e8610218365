import { kafkaEventLog } from '#libs/event-log/serve';
import { createLogger, kafkaVariables, readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { runProcess } from '#libs/service-kit/process-main';
import { variables } from './config.js';
import { serve } from './serve.js';

await runProcess(() => {
  const config = readEnvironment({ ...variables, ...kafkaVariables }, withFiles(process.env));
  const logger = createLogger('usage', config.logLevel);
  return serve(config, { logger, eventLog: kafkaEventLog('usage', config, logger) });
});
