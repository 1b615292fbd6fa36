// A real OpenID provider on a free port of this host: prints its port, then serves until it is
// ended. `node provider.mjs FOLDER RETURN_ADDRESS`; FOLDER has node_modules with oidc-provider.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [folder, back] = process.argv.slice(2);
const found = createRequire(`${folder}/`).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found).href);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: "comity", client_secret: "a secret of the client", redirect_uris: [back] }],
    pkce: { required: () => true },
    // Whoever signs in is known by what they write as their name.
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  server.on("request", provider.callback());
  console.log(port);
});
