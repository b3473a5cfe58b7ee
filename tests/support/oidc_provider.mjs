// A real, certified OpenID provider for tests: client credentials, tokens as at+jwt or opaque, introspection; people who
// log in by any name, with any password, by code and PKCE, and log out.
// node oidc_provider.mjs MODULES PORT AUDIENCE
const [modules, port, audience] = process.argv.slice(2)
const { Provider } = await import(`${modules}/oidc-provider/lib/index.js`)
const format = (resource) => (resource.endsWith('/opaque') ? 'opaque' : 'jwt')
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'app', client_secret: 'secret', grant_types: ['client_credentials'],
    redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic'
  }, {
    client_id: 'web', client_secret: 'web secret', grant_types: ['authorization_code'], response_types: ['code'],
    redirect_uris: [`${audience}/auth/callback`], post_logout_redirect_uris: [`${audience}/`],
    token_endpoint_auth_method: 'client_secret_basic'
  }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, name: `${id} of Example`, groups: [`${id}s`], email: `${id}@example.org`, email_verified: true
    })
  }),
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'chat embeddings', audience, accessTokenTTL: 600, accessTokenFormat: format(resource)
      })
    }
  }
})
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'))
