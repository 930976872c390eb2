"""Asks addresses for a file, and tells its digest, or why there is none: what Bazel's own download does not tell.

The file itself is not kept. Standard library only, and any Python 3: it runs with whatever Python the machine has. The
environment variable LEPTON_PROBE holds a JSON list of [address, credentials]; not the command line, which every user of
the machine can read. Credentials are [], [the header Authorization], or [login, password]. One JSON object is printed,
{"digest": "sha256:…", "start": first characters, "url": what gave it} or {"failures": [[address, why], …]}.
"""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request

_TIMEOUT_S = 60  # for an answer to begin or to go on
_START = 64


def ask(url, credentials):
    """Returns the digest and the first characters of what an address gives. Raises OSError or ValueError."""
    request = urllib.request.Request(url)
    if credentials:
        header = credentials[0]
        if len(credentials) == 2:
            header = "Basic " + base64.b64encode(":".join(credentials).encode()).decode()
        # Not sent on to where the server may redirect.
        request.add_unredirected_header("Authorization", header)
    digest = hashlib.sha256()
    start = b""
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        while True:
            chunk = answer.read(1 << 20)
            if not chunk:
                break
            start = start or chunk[:_START]
            digest.update(chunk)
    return "sha256:" + digest.hexdigest(), start.decode("latin-1")


def why(error):
    """What went wrong, in a few words without an address."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the answer is {error.code} {error.reason}"
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def main():
    """Asks one address after the other until one has the file."""
    failures = []
    for url, credentials in json.loads(os.environ["LEPTON_PROBE"]):
        try:
            digest, start = ask(url, credentials)
        except (OSError, ValueError) as error:
            failures.append([url, why(error)])
            continue
        print(json.dumps({"digest": digest, "start": start, "url": url}))
        return
    print(json.dumps({"failures": failures}))


if __name__ == "__main__":
    main()
