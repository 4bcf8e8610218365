import { startDeployedLatchkey } from './deployment/deployed-latchkey.js';
import { describeJourney } from './journey.contract.js';

// Whatever a service needs and its account may not do, or more than it may over gRPC, would fail here.
describeJourney("the deployment's own accounts, access lists and TLS", startDeployedLatchkey);
