/** What Fastify tells of a request, and of those who brought it. */
interface Transported {
  /** Of the connection, or what the last proxy says of the one before it, where that proxy is trusted. */
  readonly protocol: string;
  /** From the connection on, the trusted proxies and then the client; absent where no proxy is trusted. */
  readonly ips?: readonly string[] | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Whether a request came over HTTPS: by its own connection, or, where that is a trusted proxy's, by what its
 * `X-Forwarded-Proto` says. Of a list the last entry counts, which the proxy next to us wrote; with several trusted
 * proxies on the way, as `X-Forwarded-For` shows them, the last entry of each, so that no plain HTTP before them is
 * overlooked. Whatever stands before those is the client's own word and counts for nothing.
 */
export function cameOverHttps({ protocol, ips = [], headers }: Transported): boolean {
  const trustedProxies = ips.length - 1;
  const said = String(headers['x-forwarded-proto'] ?? 'https').split(',');
  const believed = trustedProxies > 0 ? said.slice(-trustedProxies) : [];
  return [protocol, ...believed].every((entry) => entry.trim().toLowerCase() === 'https');
}
