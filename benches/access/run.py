#!/usr/bin/env python3
"""How long does it take to decide what somebody may, asked over HTTP, one question at a time and a hundred?"""

import http.client
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server  # noqa: E402

ROLES, EACH_HAS, AT_ONCE = 50, 5, 100


def filled(server, count):
    """People who have some roles each; their ids, and the permissions that there are."""
    permissions = server.call("GET", "/api/v1/permissions")["items"]
    roles = []
    for number in range(ROLES):
        wish = {"name": f"role {number}", "permissions": random.sample(permissions, 10)}
        roles.append(server.call("POST", "/api/v1/roles", wish)["id"])
    people = []
    for number in range(count):
        wish = {"email": f"person-{number}@example.com", "name": "Somebody", "permissions": random.sample(permissions, 3)}
        people.append(server.call("POST", "/api/v1/users", wish)["id"])
        for role in random.sample(roles, EACH_HAS):
            server.call("POST", "/api/v1/role-bindings", {"user_id": people[-1], "role_id": role})
    return people, permissions


def question(people, permissions):
    kind, action = random.choice(permissions).split(".")
    subject = {"type": "user", "id": random.choice(people)}
    return {"subject": subject, "action": {"name": action}, "resource": {"type": kind, "id": "any"}}


def timed(server, path, bodies):
    """Milliseconds of each request, over one connection."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    took = []
    for body in bodies:
        began = time.perf_counter()
        connection.request("POST", path, body, headers)
        server.answer(connection, "POST", path)
        took.append((time.perf_counter() - began) * 1000)
    connection.close()
    return took


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--people", type=int, default=1000, help=f"who have {EACH_HAS} of {ROLES} roles each")
    parser.add_argument("--requests", type=int, default=5000, help="one after the other; a tenth of them with many questions")
    return parser.parse_args()


def shown(name, took, each):
    cuts = statistics.quantiles(took, n=100)
    return [name, f"{cuts[49]:.2f} ms", f"**{cuts[98]:.2f} ms**", f"{max(took):.2f} ms", f"{sum(took) / len(took) / each * 1000:.0f} µs"]


def main():
    given = options()
    machine = measure.told(given)
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        data = Path(folder) / "data"
        subprocess.run([str(given.lectern), "migrate", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        server = Server(given.lectern, data, f"{folder}/server.log", arguments=["--only", "rbac,user,auth"])
        try:
            people, permissions = filled(server, given.people)
            one = [json.dumps(question(people, permissions)) for _ in range(given.requests)]
            many = [
                json.dumps({"evaluations": [question(people, permissions) for _ in range(AT_ONCE)]})
                for _ in range(given.requests // 10)
            ]
            figures = {
                "one question": timed(server, "/api/v1/access/evaluation", one),
                f"{AT_ONCE} questions": timed(server, "/api/v1/access/evaluations", many),
            }
        finally:
            server.stop()
    print("\nOne request after the other on a kept connection, SQLite\n")
    head = ["request", "median", "p99", "longest", "a question, on average"]
    rows = zip(figures.items(), (1, AT_ONCE))
    print(measure.table(head, [shown(name, took, each) for (name, took), each in rows]))
    measure.kept(given, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    measure.bench(main)
