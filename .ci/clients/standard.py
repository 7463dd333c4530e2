"""Standard OAuth clients of Python against the running auth service, unchanged: Authlib and
requests-oauthlib, for discovery, every grant, revocation and introspection.

standard.py AUTH_URL USERNAME PASSWORD_FILE CLIENT_ID, the client's secret on standard input
"""

import sys
from pathlib import Path

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

auth, username, password_file, client_id = sys.argv[1:]
password = Path(password_file).read_text().strip()
secret = sys.stdin.readline().strip()

document = requests.get(f"{auth}/.well-known/oauth-authorization-server", timeout=10).json()
server = AuthorizationServerMetadata(document)


def check(sentence, holds):
    assert holds, sentence
    print(f"ok: {sentence}")


def refused(error, call):
    try:
        call()
    except Exception as raised:
        return error in f"{type(raised).__name__} {raised}"
    return False


# §2 asks for response_types_supported, which a server without an authorization endpoint has none of.
for name in ["issuer", "token_endpoint", "grant_types_supported", "scopes_supported",
             "token_endpoint_auth_methods_supported", "revocation_endpoint",
             "introspection_endpoint"]:
    getattr(server, f"validate_{name}", lambda: None)()
check("Authlib takes the metadata", server["issuer"] == auth)

for method in ["client_secret_basic", "client_secret_post"]:
    client = Authlib(client_id, secret, scope="shop", token_endpoint_auth_method=method,
                     revocation_endpoint_auth_method=method)
    token = client.fetch_token(server["token_endpoint"], username=username, password=password)
    check(f"Authlib, {method}: the password grant", token["scope"] == "shop")
    first = token["refresh_token"]
    token = client.refresh_token(server["token_endpoint"], refresh_token=first)
    check(f"Authlib, {method}: a refresh rotates", token["refresh_token"] != first)
    answer = client.introspect_token(
        server["introspection_endpoint"], token=token["access_token"],
        token_type_hint="access_token").json()
    check(f"Authlib, {method}: introspection", answer["active"] and answer["client_id"] == client_id)
    answer = client.revoke_token(
        server["revocation_endpoint"], token=token["refresh_token"],
        token_type_hint="refresh_token")
    check(f"Authlib, {method}: revocation", answer.status_code == 200)
    answer = client.introspect_token(
        server["introspection_endpoint"], token=token["access_token"]).json()
    check(f"Authlib, {method}: a revoked session's token is not active", answer == {"active": False})
    check(f"Authlib, {method}: a revoked token is an invalid_grant", refused(
        "invalid_grant",
        lambda: client.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])))

machine = Authlib(client_id, secret, scope="shop")
token = machine.fetch_token(server["token_endpoint"], grant_type="client_credentials")
check("Authlib: client_credentials, without a refresh token", "refresh_token" not in token)
wrong = Authlib(client_id, "wrong")
try:
    wrong.fetch_token(server["token_endpoint"], grant_type="client_credentials")
    check("Authlib: a wrong secret is refused", False)
except OAuthError as error:
    check("Authlib: a wrong secret is an invalid_client", error.error == "invalid_client")

public = RequestsOAuthlib(client=LegacyApplicationClient(client_id="public"))
token = public.fetch_token(
    server["token_endpoint"], username=username, password=password, include_client_id=True)
check("requests-oauthlib: the password grant of a public client", token["token_type"].lower() == "bearer")
token = public.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])
check("requests-oauthlib: refresh", bool(token["access_token"]))
requests.post(server["revocation_endpoint"], data={"token": token["refresh_token"]}, timeout=10)
try:
    public.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])
    check("requests-oauthlib: a revoked token is refused", False)
except InvalidGrantError:
    check("requests-oauthlib: a revoked token is an InvalidGrantError", True)
machine = RequestsOAuthlib(client=BackendApplicationClient(client_id=client_id, scope="shop"))
token = machine.fetch_token(server["token_endpoint"], client_id=client_id, client_secret=secret)
check("requests-oauthlib: client_credentials", token["scope"] == ["shop"])
