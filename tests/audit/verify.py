"""Verifies an audit log over HTTP with nothing of ours: RFC 8785 by rfc8785, Ed25519 by cryptography, RFC 9162 by hand.

verify.py BASE TOKEN CHECKPOINT...: the checkpoints are files, from the oldest to the newest. Every entry of the newest is proven to
be in it, and each checkpoint to go on where the one before it ended.
"""

import base64, hashlib, json, sys, urllib.error, urllib.request

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def get(path):
    request = urllib.request.Request(base + "/api/v1/audit/" + path, headers={"Authorization": "Bearer " + token})
    return json.load(urllib.request.urlopen(request, timeout=30))


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def opened(note):
    """Size and root of a checkpoint (C2SP signed-note and tlog-checkpoint)."""
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.splitlines()[:3]
    public = base64.b64decode(key["public_key"])
    dash, name, signature = signatures.splitlines()[0].split(" ")
    signature = base64.b64decode(signature)
    assert (dash, name, origin) == ("\u2014", key["name"], key["name"])
    assert signature[:4] == digest(name.encode(), b"\n\x01", public)[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
    return int(size), base64.b64decode(root)


def walk(at, last, hashes, path):
    """RFC 9162 2.1.3.2 and, with a second hash, 2.1.4.2."""
    for beside in path:
        assert last > 0
        if at & 1 or at == last:
            hashes = [digest(b"\x01", beside, one) for one in hashes]
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashes[-1] = digest(b"\x01", hashes[-1], beside)
        at, last = at >> 1, last >> 1
    assert last == 0
    return hashes


def included(index, size, root):
    proof = get(f"proofs/inclusion?index={index}&size={size}")
    try:
        leaf = digest(b"\0", rfc8785.dumps(get(f"entries/{index}")["entry"]))
    except urllib.error.HTTPError as gone:
        # Its time was over: the hash is what is left of it.
        assert gone.code == 410, gone
        leaf = base64.b64decode(proof["leaf_hash"])
    assert walk(index, size - 1, [leaf], map(base64.b64decode, proof["hashes"])) == [root], f"entry {index}"


def consistent(old, old_root, new, new_root):
    if old == new or old == 0:
        assert old == 0 or old_root == new_root
        return
    path = list(map(base64.b64decode, get(f"proofs/consistency?from={old}&to={new}")["hashes"]))
    path = ([old_root] if old & (old - 1) == 0 else []) + path
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    assert walk(at, last, [path[0], path[0]], path[1:]) == [old_root, new_root], f"{old} to {new}"


base, token, *files = sys.argv[1:]
key = get("key")
states = [opened(open(file, encoding="utf-8").read()) for file in files]
for (old, old_root), (new, new_root) in zip(states, states[1:]):
    consistent(old, old_root, new, new_root)
for index in range(states[-1][0]):
    included(index, *states[-1])
print(json.dumps({"entries": states[-1][0], "checkpoints": len(states)}))
