/** A deliberate fault, for the conformance runs alone: loaded before the rest (`node --import`) whoami fails for some tenants. */
import { WhoamiController } from '../../dist/apps/api/src/whoami/whoami.controller.js';

const [name] = Object.getOwnPropertyNames(WhoamiController.prototype).filter(
  (each) => each !== 'constructor',
);
const whoami = Reflect.get(WhoamiController.prototype, name);

WhoamiController.prototype[name] = Object.assign(function (key, ...rest) {
  if (key.environment === 'test') throw new Error('a fault on purpose');
  return whoami.call(this, key, ...rest);
}, {});
for (const metadata of Reflect.getMetadataKeys(whoami)) {
  Reflect.defineMetadata(metadata, Reflect.getMetadata(metadata, whoami), WhoamiController.prototype[name]);
}
