"""python3 -m lepton_server --model=DIRECTORY --name=NAME"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Serves until a signal comes. Exit codes: 0 after SIGTERM, 1 where the model is no good, 2 for wrong flags."""
    # Process 1 of a container ignores signals that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from lepton_rules.plugin.errors import LeptonError
    from lepton_server import logs, options

    logs.configure("info")
    try:
        chosen = options.parse(sys.argv[1:], os.environ)
    except LeptonError as error:
        logs.LOGGER.error(str(error))
        sys.exit(2)
    logs.configure(chosen.log_level)
    from lepton_server import server

    # The runtime's thread waits no longer than this for one that computes in Python.
    sys.setswitchinterval(0.0005)
    code = 1
    try:
        code = server.run(chosen)
    except LeptonError as error:
        logs.LOGGER.error(str(error))
    server.end(code)


if __name__ == "__main__":
    main()
