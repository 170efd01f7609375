"""A detector goes to a hub and comes back; the hub is one of this machine."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from sb_sed.cli.main import main
from sb_sed.errors import InputError
from sb_sed.inference.upload import upload

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(BaseHTTPRequestHandler):
    """What a client needs of the hub's interface; it keeps what it is sent."""

    def log_message(self, *_):
        """Be silent."""

    def answer(self, status=200, value=b"", **headers):
        """Send a body (or a value as JSON) with headers."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        """Make a repository, say how to upload, take a commit."""
        hub = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != "Bearer hf_secret":
            self.answer(401, {"error": "Invalid username or password."})
        elif self.path == "/api/repos/create":
            hub.created.append(json.loads(body))
            self.answer(200, {"url": f"{hub.address}/owner/name"})
        elif "/preupload/" in self.path:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self.answer(200, {"files": files})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    hub.files[line["value"]["path"]] = content
            url = f"{hub.address}/owner/name/commit/{COMMIT}"
            self.answer(
                200, {"commitUrl": url, "commitOid": COMMIT, "success": True}
            )
        else:
            self.answer(200, {})

    def do_GET(self):
        """Describe the repository, or send one of its files."""
        hub, name = self.server, self.path.rpartition("/")[2]
        if self.path.startswith("/api/"):
            about = {"id": "owner/name", "sha": COMMIT, "siblings": []}
            self.answer(200, about)
        elif name in hub.files:
            etag = hashlib.sha256(hub.files[name]).hexdigest()
            self.answer(
                200, hub.files[name], ETag=f'"{etag}"', X_Repo_Commit=COMMIT
            )
        else:
            self.answer(404, b"", X_Error_Code="EntryNotFound")

    do_HEAD = do_GET


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of this machine, and somebody who is logged in there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    server.files, server.created = {}, []
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    yield server
    server.shutdown()
    server.server_close()


def test_what_was_pushed_is_found_by_its_name(
    hub, run_folder, make_wav, capsys
):
    assert main(["push", str(run_folder), "owner/name", "--private"]) == 0
    assert capsys.readouterr().out == f"{hub.address}/owner/name\n"
    assert "private" in str(hub.created[0])
    assert hub.created[0]["name"] == "name"
    assert set(hub.files) == {
        "detector.json",
        "hyperparams.yaml",
        "detector.ckpt",
        "README.md",
    }
    clip = str(make_wav("clip.wav"))
    assert main(["detect", str(run_folder), clip]) == 0
    local = capsys.readouterr().out
    assert main(["detect", "owner/name", clip]) == 0
    assert capsys.readouterr().out == local


def test_only_the_detector_is_uploaded(hub, exported):
    (exported / "private_notes.txt").write_text("for me alone")
    upload(exported, "owner/name")
    assert "private_notes.txt" not in hub.files
    assert (
        hub.files["detector.ckpt"] == (exported / "detector.ckpt").read_bytes()
    )


def test_without_the_right_token(hub, exported, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(InputError, match="log in with hf auth login"):
        upload(exported, "owner/name")
    assert not hub.files


@pytest.mark.parametrize(
    "line, words",
    [
        ("push nowhere owner/name", "nowhere is not an exported detector"),
        ("push {out} name", "name is no name on the hub"),
        ("push {out} owner/name --license mit", "was named in its README.md"),
    ],
)
def test_bad_input_gets_one_sentence(exported, hub, capsys, line, words):
    assert main(line.format(out=exported).split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and words in err and err.count("\n") == 1
    assert not hub.created


def test_a_hub_that_does_not_answer(exported, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="the hub does not answer"):
        upload(exported, "owner/name")
