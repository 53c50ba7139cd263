"""Has somebody else's authenticator stand behind a password: codes of pyotp are taken once each, and so are recovery codes.

factors.py BASE TENANT EMAIL PASSWORD: prints the claims of the last session.
"""

import base64, json, sys, time, urllib.error, urllib.request

import pyotp

STEP_S = 30


def asked(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def of(status, answer):
    assert answer[0] == status, answer
    return answer[1]


def sign_in():
    return asked("POST", "/api/v1/auth/sessions", {"tenant": tenant, "email": email, "password": password})


def finish(code):
    half = of(200, sign_in())
    assert "access_token" not in half, half
    return asked("POST", "/api/v1/auth/sessions/code", {"code_token": half["code_token"], "code": code})


def refused(code, why):
    problem = of(401, finish(code))
    assert problem["code"] == "factor.invalid_code", f"{why}: {problem}"


base, tenant, email, password = sys.argv[1:]
token = of(201, sign_in())["access_token"]
made = of(200, asked("POST", "/api/v1/auth/totp", token=token))
# All that it knows is what a picture would have told it.
authenticator = pyotp.parse_uri(made["uri"])
assert isinstance(authenticator, pyotp.TOTP) and authenticator.secret == made["secret"], made
assert (authenticator.issuer, authenticator.name, authenticator.interval) == ("Lectern", email, STEP_S), made["uri"]
assert len(base64.b32decode(authenticator.secret)) == 20
# Early enough in a step that it does not end on the way.
deadline = time.monotonic() + 2 * STEP_S
while time.time() % STEP_S > STEP_S / 2:
    assert time.monotonic() < deadline
    time.sleep(0.2)
now = int(time.time())
before, current, after = (authenticator.at(now + shift) for shift in (-STEP_S, 0, STEP_S))
confirmed = of(200, asked("POST", "/api/v1/auth/totp/confirm", {"code": before}, token))
recovery = confirmed["recovery_codes"]
assert len(set(recovery)) == 10, recovery
refused(before, "it was taken already")
of(201, finish(current))
refused(current, "it was taken already")
refused(before, "it is older than one that was taken")
refused(authenticator.at(now + 4 * STEP_S), "it is not its time yet")
session = of(201, finish(after))
refused(after, "it was taken already")
of(201, finish(recovery[0]))
refused(recovery[0], "it was used already")
stronger = asked("POST", "/api/v1/auth/sessions/current/step-up", {"code": recovery[1]}, session["access_token"])
token = of(200, stronger)["access_token"]
others = of(200, asked("POST", "/api/v1/auth/recovery-codes", token=token))["recovery_codes"]
refused(recovery[2], "there are others")
session = of(201, finish(others[0].upper().replace("-", " ")))
claims = session["access_token"].split(".")[1]
print(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode())
