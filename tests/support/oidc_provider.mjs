// A real, certified OpenID provider for tests: client credentials, tokens as at+jwt or opaque, introspection.
// node oidc_provider.mjs MODULES PORT AUDIENCE
const [modules, port, audience] = process.argv.slice(2)
const { Provider } = await import(`${modules}/oidc-provider/lib/index.js`)
const format = (resource) => (resource.endsWith('/opaque') ? 'opaque' : 'jwt')
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'app', client_secret: 'secret', grant_types: ['client_credentials'],
    redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic'
  }],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'chat embeddings', audience, accessTokenTTL: 600, accessTokenFormat: format(resource)
      })
    }
  }
})
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'))
