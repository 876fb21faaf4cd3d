#!/opt/quarterdeck/bin/python -I
"""Asks the server in this very container: `probe /healthz`. Status 0 if it answers 200.

For health checks that cannot reach a loopback address from outside. `http.client` asks directly: it takes no
notice of a proxy named in the environment, which would not know this container's 127.0.0.1.
"""

import http.client
import os
import sys

TIMEOUT_S = 4.0


def main() -> int:
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    port = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("QUARTERDECK_PORT") or "8000"
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        return int(connection.getresponse().status != 200)
    except (OSError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
