"""Verifies an ID token with nothing of ours: its key by discovery, its signature and claims by joserfc; and has the server, which takes ID
tokens of those who sign out, refuse what somebody without the key makes of it.

verify.py BASE ID_TOKEN CLIENT_ID NONCE: prints the claims.
"""

import base64, json, sys, urllib.parse, urllib.request

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, OKPKey


def asked(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header, claims):
    """Tokens that a careless verifier takes for real."""
    secret = OctKey.import_key(base64.urlsafe_b64decode(jwks["keys"][0]["x"] + "="))
    stranger = OKPKey.generate_key("Ed25519")
    unsigned = f"{part({**header, 'alg': 'none'})}.{part(claims)}."
    yield unsigned
    yield jwt.encode({**header, "alg": "HS256"}, claims, secret)
    yield jwt.encode(header, claims, stranger, algorithms=["EdDSA"])
    try:
        jwt.decode(unsigned, keys, algorithms=["EdDSA"])
    except (JoseError, ValueError):
        return
    raise SystemExit("an unsigned token is verified")


base, token, client, nonce = sys.argv[1:]
metadata = json.loads(asked(base + "/.well-known/openid-configuration"))
assert metadata["issuer"] == base, metadata
assert metadata["id_token_signing_alg_values_supported"] == ["EdDSA"], metadata
assert metadata["code_challenge_methods_supported"] == ["S256"], metadata
assert metadata == json.loads(asked(base + "/.well-known/oauth-authorization-server"))
jwks = json.loads(asked(metadata["jwks_uri"]))
keys = KeySet.import_key_set(jwks)
verified = jwt.decode(token, keys, algorithms=["EdDSA"])
wanted = {name: {"essential": True} for name in ("sub", "exp", "iat", "auth_time", "acr", "amr", "sid")}


def registry(audience):
    said = {"iss": base, "aud": audience, "nonce": nonce}
    return jwt.JWTClaimsRegistry(**{name: {"essential": True, "value": value} for name, value in said.items()}, **wanted)


registry(client).validate(verified.claims)
try:
    registry("cli_another").validate(verified.claims)
except JoseError:
    pass
else:
    raise SystemExit("it is for every client")
for other in forged(verified.header, verified.claims):
    page = asked(metadata["end_session_endpoint"] + "?id_token_hint=" + urllib.parse.quote(other))
    assert "Do you want to sign out" in page, page
page = asked(metadata["end_session_endpoint"] + "?id_token_hint=" + urllib.parse.quote(token))
assert "Signed out" in page, page
print(json.dumps(verified.claims))
