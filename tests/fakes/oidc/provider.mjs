// A certified OpenID provider on a free port. Whoever comes is the account named by POST /be, without being asked.
// Arguments: the redirect address, then client ids, each with its signing algorithm: `rs:RS256`.
// Prints its address when it listens.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const SECRET = "not:a/secret + at all";
const [redirect, ...clients] = process.argv.slice(2);

const key = (kid, alg, type, options) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
};
const keys = [
  key("rs", "RS256", "rsa", { modulusLength: 2048 }),
  key("ps", "PS256", "rsa", { modulusLength: 2048 }),
  key("es", "ES256", "ec", { namedCurve: "P-256" }),
  key("ed", "EdDSA", "ed25519", {}),
];

let account = "ann";
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: clients.map((word) => {
      const [client_id, id_token_signed_response_alg] = word.split(":");
      return { client_id, client_secret: SECRET, redirect_uris: [redirect.replace("NAME", client_id)], id_token_signed_response_alg };
    }),
    jwks: { keys },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
    pkce: { required: () => true },
    scopes: ["openid", "email", "profile"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ["a key for the tests"] },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: sub, email: `${sub}@example.org`, email_verified: true }),
    }),
  });

  const agree = async (request, response) => {
    const details = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: account, clientId: details.params.client_id });
    grant.addOIDCScope(details.params.scope);
    const grantId = await grant.save();
    await provider.interactionFinished(request, response, { login: { accountId: account }, consent: { grantId } });
  };

  const callback = provider.callback();
  server.on("request", (request, response) => {
    if (request.method === "POST" && request.url.startsWith("/be/")) {
      account = request.url.slice("/be/".length);
      response.end();
    } else if (request.url.startsWith("/interaction/")) {
      agree(request, response).catch((error) => response.writeHead(500).end(String(error)));
    } else {
      callback(request, response);
    }
  });
  console.log(issuer);
});
