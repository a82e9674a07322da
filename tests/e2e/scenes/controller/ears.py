"""Answer whoever pings a health check, and write down the path of each."""

import http.server
from pathlib import Path

HEARD = Path("/run/heard")


class _Ears(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with HEARD.open("a") as file:
            file.write(f"{self.path}\n")
        self.send_response(200)
        self.end_headers()


HEARD.touch()
http.server.HTTPServer(("127.0.0.1", 8000), _Ears).serve_forever()
