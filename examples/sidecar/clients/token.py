#!/usr/bin/env python3
"""Prints the current token; or, imported, gives it: `SidecarClient().token('v1/token/api')`.

  token.py [PATH]   v1/token, the default: the only token; v1/token/NAME; v1/vault/token; v1/vault/token/NAME

PROJECTED_TOKEN_API is where the sidecar listens, as in its configuration: unix:///run/projected-token/api.sock, the
default, or 127.0.0.1:8180. Standard library only. Ask whenever you need a token, and keep none.
"""

import http.client
import json
import os
import socket
import sys
import time

DEFAULT_API = "unix:///run/projected-token/api.sock"


class SidecarClient:
    """Asks the sidecar. One object serves one thread."""

    def __init__(self, api=None, attempts=6, timeout_seconds=15):
        self.api = api or os.environ.get("PROJECTED_TOKEN_API", DEFAULT_API)
        self.attempts = attempts
        self.timeout_seconds = timeout_seconds

    def token(self, path="v1/token"):
        """The current token, a string. Raises OSError without a sidecar, LookupError without a valid token."""
        return self.answer(path)["token"]

    def answer(self, path="v1/token"):
        """{ name, token, expiresAt, expiresAtMs }. No sidecar yet and no valid token yet (503) both pass."""
        for attempt in range(1, self.attempts + 1):
            try:
                status, body = self._get(path)
            except (OSError, http.client.HTTPException):
                if attempt == self.attempts:
                    raise
            else:
                if status == 200:
                    return body
                error = body.get("error", {})
                if status != 503 or attempt == self.attempts:
                    raise LookupError(f"{status} {error.get('code')}: {error.get('message')}")
            time.sleep(min(2 ** (attempt - 1), 10))

    def _get(self, path):
        connection = self._connection()
        try:
            # Programs that only follow URLs cannot set the header.
            connection.request("GET", "/" + path, headers={"Projected-Token": "true"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def _connection(self):
        if not self.api.startswith("unix://"):
            return http.client.HTTPConnection(self.api, timeout=self.timeout_seconds)
        return UnixConnection(self.api.removeprefix("unix://"), self.timeout_seconds)


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


if __name__ == "__main__":
    try:
        print(SidecarClient().token(*sys.argv[1:2]))
    except (OSError, LookupError) as error:
        sys.exit(f"no token: {error}")
