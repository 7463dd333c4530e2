// The token issuer that Latchkey is measured against: the client_credentials grant, no password
// hashed, nothing kept outside of the process. TOKEN_FORMAT=jwt gives access tokens of the kind
// that Latchkey gives (HS256); TOKEN_FORMAT=opaque the library's own, looked up on the server.
import cluster from 'node:cluster';
import { Provider } from 'oidc-provider';

const port = Number(process.env.PORT ?? 8200);
const workers = Number(process.env.WORKERS ?? 1);
const secret = process.env.SECRET ?? '';
const format = process.env.TOKEN_FORMAT ?? 'jwt';
const api = 'urn:peer:shop';

if (secret.length < 32) {
  console.error('SECRET must have at least 32 characters');
  process.exit(1);
}

if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  const stop = () => { for (const w of Object.values(cluster.workers)) w.kill(); process.exit(0); };
  process.on('SIGTERM', stop).on('SIGINT', stop);
} else {
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: 'bench',
      client_secret: 'bench-secret-bench-secret-bench-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    }],
    scopes: ['shop'],
    ttl: { ClientCredentials: 1800 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: format === 'jwt',
        defaultResource: () => api,
        getResourceServerInfo: () => ({
          scope: 'shop',
          accessTokenTTL: 1800,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'HS256', key: Buffer.from(secret) } },
        }),
      },
    },
  });
  provider.listen(port, '127.0.0.1');
}
