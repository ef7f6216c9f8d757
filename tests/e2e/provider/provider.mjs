// An OpenID Connect provider for tests: `oidc-provider` with a sign-in that asks for a name and for no password.
//
//     node provider.mjs PORT HUB [DOOR]: listens on 127.0.0.1:PORT for the hub at the address HUB; prints "ready".
//
// It tells the hub of ended sessions at the address DOOR, which is HUB unless another is given.
//
// A name that ends in "-one" has shown one factor only, any other one two. SIGUSR2 changes the signing key.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, hub, door = hub] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
let callback;

function key() {
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  return { ...made, kid: randomUUID(), use: 'sig', alg: 'ES256' };
}

const store = new Map(); // outlives a change of the key
class Kept {
  constructor(kind) { this.kind = kind; }
  async upsert(id, value) {
    store.set(`${this.kind}:${id}`, value);
    if (value.uid) store.set(`${this.kind}:uid:${value.uid}`, id);
  }
  async find(id) { return store.get(`${this.kind}:${id}`); }
  async findByUid(uid) { return this.find(store.get(`${this.kind}:uid:${uid}`)); }
  async consume(id) { store.get(`${this.kind}:${id}`).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { store.delete(`${this.kind}:${id}`); }
  async revokeByGrantId() {}
}

function provider() {
  const made = new Provider(issuer, {
    adapter: Kept,
    jwks: { keys: [key()] },
    cookies: { keys: ['for tests'] },
    clients: [{
      client_id: 'renkei',
      client_secret: 'a secret of tests',
      redirect_uris: [`${hub}/sign-in/outside/back`],
      post_logout_redirect_uris: [`${hub}/`],
      backchannel_logout_uri: `${door}/sign-in/outside/logout`,
      backchannel_logout_session_required: true,
      id_token_signed_response_alg: 'ES256',
      response_types: ['code'],
    }],
    claims: { openid: ['sub', 'preferred_username', 'acr', 'amr'], sid: null, auth_time: null },
    conformIdTokenClaims: false,
    // The provider would not call a hub on its own machine, which is where a test's is.
    fetch: (address, { dispatcher, ...options }) => fetch(address, options),
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id.slice('sub-'.length) }) }),
    // Nobody is asked whether the hub may know who signs in.
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  made.on('server_error', (_, error) => console.error(error));
  made.on('backchannel.error', (_, error) => console.error(error));
  const answer = made.callback();
  return async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html');
      return response.end('<form method="post"><input name="login"><button>Sign in</button></form>');
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const name = new URLSearchParams(Buffer.concat(chunks).toString()).get('login');
    const amr = name.endsWith('-one') ? ['pwd'] : ['pwd', 'otp', 'mfa'];
    return made.interactionFinished(request, response, { login: { accountId: `sub-${name}`, amr } });
  };
}

callback = provider();
process.on('SIGUSR2', () => { callback = provider(); console.log('changed'); });
createServer((request, response) => callback(request, response)).listen(Number(port), '127.0.0.1', () => console.log('ready'));
