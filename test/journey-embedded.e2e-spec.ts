import { startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { describeJourney } from './journey.contract.js';

describeJourney('embedded parts', () => startLatchkeyStandalone());
