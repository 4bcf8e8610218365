import { redisKeyView } from '#libs/key-view/serve';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { runProcess } from '#libs/service-kit/process-main';
import { rebuildVariables, redisVariables } from '../config.js';
import { serve } from './serve.js';

await runProcess(() => {
  const config = readEnvironment({ ...rebuildVariables, ...redisVariables }, withFiles(process.env));
  const logger = createLogger('rebuild-key-view', config.logLevel);
  return serve(config, { keyView: redisKeyView(config, logger), logger });
});
