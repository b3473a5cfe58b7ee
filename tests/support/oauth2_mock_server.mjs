// An OpenID provider for tests that says whatever it is told to: each line of its input is JSON, {"payload", "header",
// "query"}, and changes the tokens and the redirections from then on; it answers "told". Nobody is asked to log in.
// node oauth2_mock_server.mjs MODULES PORT
import { createInterface } from 'node:readline'
const [modules, port] = process.argv.slice(2)
const { OAuth2Server } = await import(`${modules}/oauth2-mock-server/dist/index.mjs`)
const server = new OAuth2Server()
let told = {}
await server.issuer.keys.generate('RS256')
server.issuer.url = `http://127.0.0.1:${port}`
server.service.on('beforeTokenSigning', (token) => {
  Object.assign(token.payload, told.payload)
  Object.assign(token.header, told.header)
})
server.service.on('beforeAuthorizeRedirect', (redirect) => {
  for (const [name, value] of Object.entries(told.query ?? {})) redirect.url.searchParams.set(name, value)
})
await server.start(Number(port), '127.0.0.1')
console.log('listening')
for await (const line of createInterface({ input: process.stdin })) {
  told = JSON.parse(line)
  console.log('told')
}
