"""A server for the page of a review, for this computer alone.

It listens on 127.0.0.1, and answers only where a secret is in the address: the
page, its excerpts, and the reviews, which it also takes. Requests under another
host's name (which a page elsewhere could have led to this address), or from
another origin, are refused.

Authors
 * sb_sed contributors 2026
"""

import hmac
import re
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.formats.reviews import read_reviews
from sb_sed.report.media import SOUND_TYPES
from sb_sed.report.review import PAGE, SOUNDS

REVIEWS = "reviews.tsv"
_EXCERPT = re.compile(r"sounds/([0-9a-f]{16}\.([a-z0-9]{3}))")
_TYPES = {**SOUND_TYPES, "png": "image/png"}
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")
_LARGEST = 64 * 2**20  # bytes of reviews


class ReviewServer(ThreadingHTTPServer):
    """Serves the page in a folder and writes ``reviews.tsv`` into it.

    Arguments
    ---------
    folder : str | Path
        Of :func:`sb_sed.report.review.write_review`.
    port : int
        0 for any that is free.

    Attributes
    ----------
    address : str
        What to open in a browser; whoever knows it can read and answer.

    Raises
    ------
    InputError
        If the folder has no page.
    """

    daemon_threads = True

    def __init__(self, folder: str | Path, port: int = 0):
        self.folder = Path(folder)
        if not (self.folder / PAGE).is_file():
            raise InputError(
                f"{folder} holds no {PAGE}: write it with sb-sed review."
            )
        self.token = secrets.token_urlsafe(24)
        super().__init__(("127.0.0.1", port), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.address = f"{self.origin}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    server_version, sys_version = "sb-sed", ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Give the page, an excerpt or the reviews."""
        name = self._name()
        if name is None:
            return
        excerpt = _EXCERPT.fullmatch(name)
        if name == "":
            self._give(self.server.folder / PAGE, "text/html; charset=utf-8")
        elif name == REVIEWS:
            path = self.server.folder / REVIEWS
            self._give(path, "text/tab-separated-values; charset=utf-8")
        elif excerpt and excerpt[2] in _TYPES:
            path = self.server.folder / SOUNDS / excerpt[1]
            self._give(path, _TYPES[excerpt[2]])
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_PUT(self) -> None:
        """Take the reviews, if they are some."""
        name = self._name()
        if name is None:
            return
        length = self.headers.get("Content-Length", "")
        if name != REVIEWS:
            return self._refuse(HTTPStatus.NOT_FOUND)
        if self.headers.get("Origin") != self.server.origin:
            return self._refuse(HTTPStatus.FORBIDDEN)
        if not length.isdecimal() or int(length) > _LARGEST:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        content = self.rfile.read(int(length))
        try:
            with atomic_path(self.server.folder / REVIEWS) as temporary:
                temporary.write_bytes(content)
                # Only a header is left where all was undone.
                if content.count(b"\n") > 1:
                    read_reviews(temporary)
        except InputError:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        self._answer(HTTPStatus.NO_CONTENT, b"")

    def _name(self) -> str | None:
        """What is asked for, below the secret; None if it was refused."""
        hosts = {self.server.origin.removeprefix("http://")}
        origin = self.headers.get("Origin", self.server.origin)
        site = self.headers.get("Sec-Fetch-Site", "none")
        _, token, *rest = [*self.path.split("/", 2), ""][:3]
        if (
            self.headers.get_all("Host") is None
            or not set(self.headers.get_all("Host")) <= hosts
            or origin != self.server.origin
            or site not in ("none", "same-origin")
            or not self.path.startswith("/")
        ):
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        if not hmac.compare_digest(
            token.encode("utf-8", "replace"), self.server.token.encode()
        ):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return rest[0]

    def _give(self, path: Path, kind: str) -> None:
        """Give a file, or the part of it that a player asks for."""
        try:
            content = path.read_bytes()
        except OSError:
            return self._refuse(HTTPStatus.NOT_FOUND)
        part = _RANGE.fullmatch(self.headers.get("Range", ""))
        if not part or int(part[1]) >= len(content):
            return self._answer(HTTPStatus.OK, content, kind)
        first = int(part[1])
        last = min(int(part[2] or len(content)), len(content) - 1)
        self._answer(
            HTTPStatus.PARTIAL_CONTENT,
            content[first : last + 1],
            kind,
            f"bytes {first}-{last}/{len(content)}",
        )

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._answer(status, status.phrase.encode())

    def _answer(
        self,
        status: HTTPStatus,
        content: bytes,
        kind: str = "text/plain",
        part: str = "",
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",
            "Accept-Ranges": "bytes",
        }
        if part:
            headers["Content-Range"] = part
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_) -> None:
        """Print nothing: the address has the secret in it."""
