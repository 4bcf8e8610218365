/* What a file may import follows from its name (docs/architecture.md); each rule says why. */
const SPEC = '\\.(int\\.)?spec\\.ts$|\\.contract\\.ts$|^libs/[^/]+/test/';
const ADAPTER = '/(postgres|redis|kafka|in-memory|in-process|grpc|http|embedded|file|system|nest)-[^/]+\\.ts$';
const INWARD = '\\.(controller|consumer|relay|reporter|guard|hook|filter)\\.ts$';
const WIRING = '\\.module\\.ts$|/(main|serve)\\.ts$';
const PURE = {
  path: '^(apps|libs)/[^/]+/src/',
  pathNot: [
    INWARD,
    ADAPTER,
    WIRING,
    SPEC,
    '\\.(request|response|entity)\\.ts$',
    '/(config|index|environment|standard-variables)\\.ts$',
    '/migrations/',
    '/gen/',
    '^libs/testing/',
  ],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', comment: 'a cycle hides which file decides', from: {}, to: { circular: true } },
    { name: 'libs-not-to-apps', severity: 'error', comment: 'a lib is used by several processes and knows none', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'apps-not-to-other-apps',
      severity: 'error',
      comment: 'each app deploys alone; only standalone composes them',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/standalone/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', comment: 'an import that resolves nowhere fails at run time', from: {}, to: { couldNotResolve: true } },
    {
      name: 'pure-imports-no-framework',
      severity: 'error',
      comment: 'rules are pure functions over plain data; a framework belongs at the edge',
      from: PURE,
      to: { path: 'node_modules/(@nestjs|pg|typeorm|ioredis|kafkajs|@grpc|fastify|class-validator)/' },
    },
    {
      name: 'pure-imports-no-io',
      severity: 'error',
      comment: 'a deciding file neither reads nor writes; hashing is arithmetic',
      from: PURE,
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|util|assert|zlib)$' },
    },
    {
      name: 'pure-imports-only-pure',
      severity: 'error',
      comment: 'a rule that reaches an adapter or a controller is no rule',
      from: PURE,
      to: { path: [ADAPTER, '\\.(controller|consumer|relay|reporter|guard|hook|filter|module)\\.ts$', '/(main|serve)\\.ts$'] },
    },
    { name: 'inward-not-to-adapter', severity: 'error', comment: 'what is called from outside speaks to ports', from: { path: INWARD }, to: { path: ADAPTER } },
    { name: 'inward-not-to-driver', severity: 'error', comment: 'drivers are the adapters\' business', from: { path: INWARD }, to: { path: 'node_modules/(pg|typeorm|ioredis|kafkajs)/' } },
    {
      name: 'only-wiring-imports-adapters',
      severity: 'error',
      comment: 'one place chooses the technology; profiles are configuration that lies in files, and are read with it',
      from: { path: '^(apps|libs)/', pathNot: [SPEC, WIRING, '^libs/testing/', ADAPTER, '^libs/profiles/src/config\\.ts$'] },
      to: { path: ADAPTER },
    },
    {
      name: 'adapter-to-adapter',
      severity: 'error',
      comment: 'adapters meet at ports; what speaks one technology may build on another file that speaks it',
      from: { path: ADAPTER, pathNot: SPEC },
      to: { path: ADAPTER, pathNot: '/$1-[^/]+\\.ts$' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
