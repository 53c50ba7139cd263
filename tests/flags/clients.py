"""Unleash's client for Python and OpenFeature's provider read flags of all five types, and keep them when the server is gone.

python3 clients.py BASE KEY CACHE: says `read`, waits until the server is gone, and says `held`; exit 1 with the reason otherwise.
"""

import json
import sys
import threading
import urllib.error
import urllib.request

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from UnleashClient import UnleashClient

base, key, cache = sys.argv[1:]
headers = {"Authorization": f"Bearer {key}"}
unleash = UnleashClient(
    url=f"{base}/api",
    app_name="clients",
    custom_headers=headers,
    refresh_interval=1,
    disable_metrics=True,
    cache_directory=cache,
)
unleash.initialize_client()
context = {"userId": "ann"}


def payload(name):
    return unleash.get_variant(name, context)["payload"]["value"]


def check():
    assert unleash.is_enabled("boolean", context) is True
    assert unleash.is_enabled("off", context) is False
    assert payload("string") == "42"
    assert int(payload("integer")) == 7
    assert float(payload("float")) == 1.5
    assert json.loads(payload("object")) == {"a": [1, None]}


check()
api.set_provider(OFREPProvider(base, headers_factory=lambda: headers))
flags = api.get_client()
ann = EvaluationContext("ann")
assert flags.get_boolean_value("boolean", False, ann) is True
assert flags.get_string_value("string", "", ann) == "42"
assert flags.get_integer_value("integer", 0, ann) == 7
assert flags.get_float_value("float", 0.0, ann) == 1.5
assert flags.get_object_value("object", {}, ann) == {"a": [1, None]}
assert flags.get_string_value("nothing", "mine", ann) == "mine"
print("read", flush=True)


def is_there():
    try:
        urllib.request.urlopen(f"{base}/healthz", timeout=5).close()
        return True
    except (urllib.error.URLError, OSError):
        return False


tick = threading.Event()
for _ in range(600):
    if not is_there():
        break
    tick.wait(0.1)
else:
    sys.exit("the server does not go away")
check()
assert flags.get_string_value("string", "mine", ann) == "mine", "who asks each time has his own default"
print("held", flush=True)
unleash.destroy()
