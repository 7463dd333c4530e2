// Standard OAuth clients of JavaScript against the running auth service, unchanged: openid-client
// and oauth4webapi, for discovery, every grant, revocation and introspection.
//
// node standard.mjs AUTH_URL USERNAME PASSWORD_FILE CLIENT_ID, the client's secret on standard input

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

const [auth, username, passwordFile, clientId] = process.argv.slice(2);
const password = readFileSync(passwordFile, "utf8").trim();
const secret = readFileSync(0, "utf8").trim();
const issuer = new URL(auth);

function check(sentence, holds) {
  assert.ok(holds, sentence);
  console.log(`ok: ${sentence}`);
}

for (const [method, authentication] of [
  ["client_secret_basic", openid.ClientSecretBasic(secret)],
  ["client_secret_post", openid.ClientSecretPost(secret)],
]) {
  const config = await openid.discovery(issuer, clientId, undefined, authentication, {
    algorithm: "oauth2",
    execute: [openid.allowInsecureRequests],
  });
  check(`openid-client, ${method}: discovery`, config.serverMetadata().issuer === auth);
  const first = await openid.genericGrantRequest(config, "password", { username, password, scope: "shop" });
  check(`openid-client, ${method}: the password grant`, first.scope === "shop");
  const second = await openid.refreshTokenGrant(config, first.refresh_token);
  check(`openid-client, ${method}: a refresh rotates`, second.refresh_token !== first.refresh_token);
  const worth = await openid.tokenIntrospection(config, second.access_token);
  check(`openid-client, ${method}: introspection`, worth.active && worth.client_id === clientId);
  await openid.tokenRevocation(config, second.refresh_token, { token_type_hint: "refresh_token" });
  const after = await openid.tokenIntrospection(config, second.access_token);
  check(`openid-client, ${method}: a revoked session's token is not active`, !after.active);
  await assert.rejects(openid.refreshTokenGrant(config, second.refresh_token), { error: "invalid_grant" });
  const machine = await openid.clientCredentialsGrant(config, { scope: "shop" });
  check(`openid-client, ${method}: client_credentials`, machine.access_token && !machine.refresh_token);
}

const insecure = { [oauth.allowInsecureRequests]: true };
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
);
check("oauth4webapi: discovery", server.token_endpoint === `${auth}/token`);
const client = { client_id: clientId };
const basic = oauth.ClientSecretBasic(secret);
const login = await oauth.processGenericTokenEndpointResponse(
  server,
  client,
  await oauth.genericTokenEndpointRequest(server, client, basic, "password", { username, password }, insecure),
);
check("oauth4webapi: the password grant", login.token_type === "bearer");
const refreshed = await oauth.processRefreshTokenResponse(
  server,
  client,
  await oauth.refreshTokenGrantRequest(server, client, basic, login.refresh_token, insecure),
);
check("oauth4webapi: refresh", refreshed.refresh_token !== login.refresh_token);
const worth = await oauth.processIntrospectionResponse(
  server,
  client,
  await oauth.introspectionRequest(server, client, basic, refreshed.refresh_token, insecure),
);
check("oauth4webapi: introspection of a refresh token", worth.active && worth.token_type === "refresh_token");
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, basic, refreshed.access_token, insecure),
);
await assert.rejects(
  oauth
    .refreshTokenGrantRequest(server, client, basic, refreshed.refresh_token, insecure)
    .then((answer) => oauth.processRefreshTokenResponse(server, client, answer)),
  { error: "invalid_grant" },
);
check("oauth4webapi: revoking an access token ends its session", true);
const machine = await oauth.processClientCredentialsResponse(
  server,
  client,
  await oauth.clientCredentialsGrantRequest(server, client, basic, { scope: "shop" }, insecure),
);
check("oauth4webapi: client_credentials", machine.scope === "shop");
await assert.rejects(
  oauth
    .clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic("wrong"), {}, insecure)
    .then((answer) => oauth.processClientCredentialsResponse(server, client, answer)),
  (error) => error.cause?.[0]?.scheme === "basic" || error.error === "invalid_client",
);
check("oauth4webapi: a wrong secret is refused with its challenge", true);
