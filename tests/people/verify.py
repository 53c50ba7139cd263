"""Verifies an access token with nothing of ours: its key out of the JWK set, its signature and claims by joserfc; and has the server
refuse tokens that somebody without the key makes of it.

verify.py BASE TOKEN: prints the claims.
"""

import base64, json, sys, urllib.error, urllib.request

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, OKPKey


def asked(path, token=None):
    request = urllib.request.Request(base + path, headers={"Authorization": "Bearer " + token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header, claims):
    """Tokens that a careless verifier takes for real."""
    public = base64.urlsafe_b64decode(jwks["keys"][0]["x"] + "=")
    secret = OctKey.import_key(public)
    stranger = OKPKey.generate_key("Ed25519")
    own = {**header, "jwk": stranger.as_dict(private=False)}
    yield "unsigned", f"{part({**header, 'alg': 'none'})}.{part(claims)}."
    yield "signed with the public key as a secret", jwt.encode({**header, "alg": "HS256"}, claims, secret)
    yield "signed with another key", jwt.encode(header, claims, stranger, algorithms=["EdDSA"])
    yield "with a key of its own", jwt.encode(own, claims, stranger, algorithms=["EdDSA"])


base, token = sys.argv[1:]
_, jwks = asked("/api/v1/auth/jwks.json")
assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in jwks["keys"]), jwks
verified = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["EdDSA"])
wanted = {name: {"essential": True} for name in ("sub", "exp", "iat", "sid", "tenant", "acr", "amr", "auth_time")}
registry = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": "lectern"}, aud={"essential": True, "value": "lectern-api"}, **wanted
)
registry.validate(verified.claims)
others = KeySet.import_key_set({"keys": [key for key in jwks["keys"] if key["kid"] != verified.header["kid"]]})
try:
    jwt.decode(token, others, algorithms=["EdDSA"])
except (JoseError, ValueError):
    pass
else:
    raise SystemExit("it is verified without its key")
status, person = asked("/api/v1/users/me", token)
assert (status, person["id"]) == (200, verified.claims["sub"]), person
for how, other in forged(verified.header, verified.claims):
    status, refused = asked("/api/v1/users/me", other)
    assert (status, refused["code"]) == (401, "auth.invalid_token"), f"{how}: {refused}"
print(json.dumps(verified.claims))
