/** Injection tokens of what has no class of its own. */
export const LOGGER = Symbol('Logger');
export const METRICS = Symbol('prom-client Registry');
export const DEPENDENCIES = Symbol('Dependency[]');
