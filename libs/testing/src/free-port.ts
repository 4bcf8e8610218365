export { freePort } from '#libs/service-kit/embedded-free-port';
