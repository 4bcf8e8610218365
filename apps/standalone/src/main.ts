import { readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { runProcess } from '#libs/service-kit/process-main';
import { variables } from './config.js';
import { serve } from './serve.js';

await runProcess(() => serve(readEnvironment(variables, withFiles(process.env))));
