import { startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { startPrivateStack } from '#libs/testing/private-stack';
import { describeJourney } from './journey.contract.js';

describeJourney('Kafka, Redis and PostgreSQL', async () => {
  // Of its own: topics have fixed names, so two Latchkeys on one Kafka would read each other's messages.
  const stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
  const latchkey = await startLatchkeyProcesses(stack.env);
  return {
    ...latchkey,
    async stop() {
      await latchkey.stop();
      await stack.stop();
    },
  };
});
