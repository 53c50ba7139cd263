"""Has Cedar, by cedarpy, decide the same questions as the server, by what the server exports: whether the answers are the same.

decide.py BASE TOKEN: makes roles and people, asks, and prints how many questions were asked and allowed, and how many of these by what
somebody has for a while only.
"""

import json, random, sys, time, urllib.error, urllib.request

from cedarpy import Decision, is_authorized_batch

ASKED, AT_ONCE = 10_000, 100
SHORT_S, LONG_S = 1, 3600
PATIENCE_S = 30


def call(method, path, body=None):
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "If-Match": "*"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + "/api/v1/" + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{method} {path}: {refused.code} {refused.read().decode()}") from refused


def filled(permissions):
    """Roles and people with some of them, a part for a second, an hour, or suspended. The people, and the bindings that soon end."""
    kinds = sorted({permission.split(".")[0] for permission in permissions})
    entries = permissions + [kind + ".*" for kind in kinds]
    roles, people, ending = [], [], []
    for number in range(12):
        # Nothing that people have written gets into a policy.
        name = f'"{number}");\npermit(principal, action, resource); // \\ ü'
        wish = {"name": name, "permissions": ["*"] if number == 0 else draw.sample(entries, draw.randint(1, 12))}
        roles.append(call("POST", "roles", wish)["id"])
    for number in range(48):
        own = draw.sample(entries, draw.choice([0, 0, 1, 3])) if number else ["*"]
        wish = {"email": f"person-{number}@example.com", "name": "Somebody", "permissions": own}
        people.append(call("POST", "users", wish)["id"])
        for role in draw.sample(roles if number % 12 == 1 else roles[1:], draw.randint(0, 3)):
            ends = draw.choice([None, LONG_S, LONG_S, SHORT_S])
            binding = call("POST", "role-bindings", {"user_id": people[-1], "role_id": role, "expires_in_s": ends})
            ending += [binding["id"]] if ends == SHORT_S else []
        if number % 8 == 7:
            call("PATCH", f"users/{people[-1]}", {"state": "suspended"})
    return people, ending


def exported(ending):
    """What decides once these bindings have ended."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        export = call("GET", "access/export")
        if not any(binding in export["policies"] for binding in ending):
            return export
        assert time.monotonic() < deadline, "what is to end does not"


def questions(people, permissions):
    """Somebody, a kind and an action: such as there are, and such as there are not."""
    kinds = [permission.split(".")[0] for permission in permissions] + ["nothing", "Grant"]
    actions = [permission.split(".")[1] for permission in permissions] + ["*", "fly"]
    for _ in range(ASKED):
        permission = draw.choice(permissions).split(".") if draw.random() < 0.85 else [draw.choice(kinds), draw.choice(actions)]
        yield draw.choice(people + ["usr_nobody"]), *permission


def ours(asked):
    evaluations = [
        {"subject": {"type": "user", "id": who}, "action": {"name": action}, "resource": {"type": kind, "id": "any"}}
        for who, kind, action in asked
    ]
    for at in range(0, len(evaluations), AT_ONCE):
        answer = call("POST", "access/evaluations", {"evaluations": evaluations[at : at + AT_ONCE]})
        yield from (one["decision"] for one in answer["evaluations"])


def cedars(export, asked, context):
    requests = [
        {
            "principal": f'User::"{who}"',
            "action": f'Action::"{kind}.{action}"',
            "resource": f'{kind}::"any"',
            "context": context,
        }
        for who, kind, action in asked
    ]
    for question, result in zip(asked, is_authorized_batch(requests, export["policies"], export["entities"])):
        assert not result.diagnostics.errors, (question, result.diagnostics.errors)
        yield result.decision == Decision.Allow


base, token = sys.argv[1:]
draw = random.Random(20261123)
permissions = call("GET", "permissions")["items"]
people, ending = filled(permissions)
export = exported(ending)
asked = list(questions(people, permissions))
now_ms = time.time_ns() // 1_000_000
told, cedar = list(ours(asked)), list(cedars(export, asked, {"now_ms": now_ms}))
differ = [(question, one) for question, one, other in zip(asked, told, cedar, strict=True) if one != other]
assert not differ, f"{len(differ)} of {len(asked)} differ, such as {differ[:5]}"
later = list(cedars(export, asked, {"now_ms": now_ms + 2 * LONG_S * 1000}))
assert later == list(cedars(export, asked, {})), "without the time nothing holds that ends"
assert all(before or not after for before, after in zip(cedar, later)), "time gives nothing"
print(json.dumps({"asked": len(asked), "allowed": sum(told), "for_a_while": sum(told) - sum(later)}))
