"""The page of a review, as a file: questions, excerpts, and the server."""

import http.client
import json
import re
import threading

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.report.review import write_review
from sb_sed.report.serve import ReviewServer
from sb_sed.reviewing.sampling import ITEM_COLUMNS

EVIL = '<img src=x onerror="window.hacked=1">.wav'
ITEMS = [
    (EVIL, 1.0, 2.0, "Dog", 0.8, 0.5),
    ("b.wav", 3.0, 4.0, "Cat", 0.4, 0.25),
    ("b.wav", 0.0, 6.0, None, np.nan, 0.1),
]
BOXES = [item[:5] for item in ITEMS[:2]] + [("b.wav", 4.5, 5.0, "Cat", 0.9)]
THRESHOLDS = {"Cat": 0.5, "Dog": 0.6}
HEADER = (
    "filename\tonset\toffset\tevent_label\tconfidence\tprobability\t"
    "answer\ttrue_onset\ttrue_offset\ttrue_label\n"
)
ANSWER = "b.wav\t3.000\t4.000\tCat\t0.4\t0.25\tright\t\t\t\n"


def write(folder, items=ITEMS, boxes=BOXES, rate=8000):
    names = {item[0] for item in items}
    scores = scores_table(np.full((60, 2), 0.3), 0.1, [*THRESHOLDS])
    audio = {}
    generator = np.random.default_rng(0)
    for n, name in enumerate(sorted(names)[:2]):
        audio[name] = folder / f"{n}.flac"
        noise = 0.1 * generator.standard_normal((6 * rate, 2))
        sf.write(audio[name], noise, rate)
    return write_review(
        folder,
        "detector <b>",
        pd.DataFrame(items, columns=ITEM_COLUMNS),
        pd.DataFrame(boxes, columns=ITEM_COLUMNS[:5]),
        dict.fromkeys(names, scores),
        THRESHOLDS,
        audio,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    assert write(folder) == []
    return folder


def data_of(folder):
    page = (folder / "index.html").read_text("utf-8")
    text = re.search(r'id="data">(.*?)</script>', page, re.S)[1]
    return page, json.loads(text)


def test_questions_and_excerpts(folder):
    page, data = data_of(folder)
    first, second, window = data["items"]
    assert first["row"] == f"{EVIL}\t1.000\t2.000\tDog\t0.8\t0.5"
    assert (first["start"], first["end"]) == (0.0, 4.0)
    assert second["others"] == [[4.5, 5.0, 0]]
    assert (window["label"], window["start"], window["end"]) == (-1, 0.0, 6.0)
    assert len(window["others"]) == 2
    assert "<img" not in page.replace("<img alt", "")
    for item in data["items"]:
        sound = folder / "sounds" / f"{item['clip']}.{data['sound']}"
        length = item["end"] - item["start"]
        assert sf.info(sound).duration == pytest.approx(length, abs=0.1)
        assert sound.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_what_is_there_is_not_written_again(folder):
    sounds = {x: x.stat().st_mtime_ns for x in (folder / "sounds").iterdir()}
    write(folder)
    again = {x: x.stat().st_mtime_ns for x in (folder / "sounds").iterdir()}
    assert again == sounds


def test_a_recording_that_is_gone_is_noted(tmp_path):
    items = [*ITEMS, ("gone.wav", 1.0, 2.0, "Dog", 0.5, 0.5)]
    [note] = write(tmp_path, items)
    assert "cannot be played" in note


@pytest.fixture
def server(folder):
    with ReviewServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
    (folder / "reviews.tsv").unlink(missing_ok=True)


def ask(server, path, method="GET", body=None, **headers):
    """Status and content of a request; _ in the names of headers is -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_it_serves_the_page_and_its_excerpts(server, folder):
    root = f"/{server.token}/"
    assert server.server_address[0] == "127.0.0.1"
    status, page = ask(server, root)
    assert (status, page) == (200, (folder / "index.html").read_bytes())
    for path in (folder / "sounds").iterdir():
        assert ask(server, f"{root}sounds/{path.name}")[0] == 200
    status, part = ask(server, f"{root}sounds/{path.name}", Range="bytes=2-5")
    assert (status, part) == (206, path.read_bytes()[2:6])
    assert ask(server, f"{root}reviews.tsv")[0] == 404


def test_it_takes_answers(server, folder):
    path, origin = f"/{server.token}/reviews.tsv", server.origin
    body = (HEADER + ANSWER).encode()
    assert ask(server, path, "PUT", body, Origin=origin)[0] == 204
    assert (folder / "reviews.tsv").read_bytes() == body
    assert ask(server, path)[1] == body
    for wrong in (b"not a table\nof reviews\n", HEADER.encode() * 2):
        assert ask(server, path, "PUT", wrong, Origin=origin)[0] == 400
    assert (folder / "reviews.tsv").read_bytes() == body
    assert ask(server, path, "PUT", HEADER.encode(), Origin=origin)[0] == 204
    assert {x.name for x in folder.iterdir()} == {
        "index.html",
        "sounds",
        "detections.tsv",
        "reviews.tsv",
        "0.flac",
        "1.flac",
    }


def test_it_refuses_others(server, folder):
    root, origin = f"/{server.token}/", server.origin
    host = origin.removeprefix("http://")
    body = (HEADER + ANSWER).encode()
    # No secret, or a wrong one.
    for path in (
        "/",
        "/index.html",
        f"/{server.token[:-1]}/",
        "/%C3%A9/",
        "//",
    ):
        assert ask(server, path)[0] == 404, path
    # Other hosts: a name that was led to this address.
    for other in ("evil.example", f"localhost:{server.server_port}", ""):
        assert ask(server, root, Host=other)[0] == 403, other
    # Other origins.
    for other in ("http://evil.example", "null", f"https://{host}"):
        assert ask(server, root, Origin=other)[0] == 403
        got = ask(server, f"{root}reviews.tsv", "PUT", body, Origin=other)
        assert got[0] == 403
    assert ask(server, f"{root}reviews.tsv", "PUT", body)[0] == 403
    assert ask(server, root, Sec_Fetch_Site="cross-site")[0] == 403
    # Other paths.
    for path in (
        "0.flac",
        "sounds/",
        "sounds/../0.flac",
        "../index.html",
        "sounds/%2e%2e/0.flac",
        "reviews.tsv?x",
        "sounds/0123456789abcdef.tsv",
        "sounds/0123456789abcdef.mp3",
    ):
        assert ask(server, root + path)[0] == 404, path
    for path in ("", "index.html", "sounds/a.tsv", "../reviews.tsv"):
        assert ask(server, root + path, "PUT", body, Origin=origin)[0] == 404
    # Other methods, and what is too long.
    for method in ("POST", "DELETE", "OPTIONS", "HEAD"):
        assert ask(server, root, method)[0] == 501
    length = str(2**40)
    got = ask(
        server,
        f"{root}reviews.tsv",
        "PUT",
        Origin=origin,
        Content_Length=length,
    )
    assert got[0] == 413
    assert not (folder / "reviews.tsv").exists()


def test_a_folder_without_a_page(tmp_path):
    with pytest.raises(InputError, match=r"holds no index.html"):
        ReviewServer(tmp_path)
