"""Has scim2-tester, which knows SCIM and nothing of ours, check a server as a school's directory would use it.

provision.py BASE KEY: prints how many checks came out how, and those that did not succeed.
"""

import collections, json, sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

base, key = sys.argv[1:]
told = {"failed": [], "counts": collections.Counter()}
# Once as the checks find everything out, and once as a client has found it out before.
for is_discovered in [False, True]:
    with Client(base_url=base + "/scim/v2", headers={"Authorization": "Bearer " + key}, timeout=60) as http:
        client = SyncSCIMClient(http)
        if is_discovered:
            client.discover()
        for result in check_server(client):
            told["counts"][result.status.name] += 1
            if result.status is not Status.SUCCESS:
                said = {"check": result.title, "of": result.resource_type, "status": result.status.name}
                told["failed"].append({**said, "reason": str(result.reason)[:500]})
print(json.dumps(told))
