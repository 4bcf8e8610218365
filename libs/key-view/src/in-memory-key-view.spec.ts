import { describe } from '@jest/globals';
import { InMemoryKeyView } from './in-memory-key-view.js';
import { keyViewContract } from './key-view.contract.js';

describe('InMemoryKeyView', () => {
  keyViewContract(async () => {
    const view = new InMemoryKeyView();
    return { view, empty: async () => view.clear() };
  });
});
