"""The printed and drawn tables of an ablation, from made-up reports.

Authors
 * sb_sed contributors 2026
"""

import json
import math

import pytest
from matplotlib.image import imread
from scipy.stats import kendalltau, spearmanr

PAPER = {"one": 30.0, "two": 35.5, "three": 20.0, "four": None}
TABLE = {
    "title": "Systems",
    "metric": "event F1",
    "rows": [
        {"name": name, "recipe": f"hparams/{name}.yaml", "paper": paper}
        for name, paper in PAPER.items()
    ],
}


@pytest.fixture
def table(ablation, tmp_path):
    """Makes the table of what is in the temporary folder."""
    return lambda *arguments: ablation.AblationTable(
        TABLE, tmp_path, list(arguments)
    )


@pytest.fixture
def done(put, tmp_path):
    """Puts a finished run's report where the scripts do."""

    def write(row, seed, test_set="validation", network="student", **report):
        folder = tmp_path / row / str(seed) / test_set / network
        put(folder / "report.json", **report)

    return write


def test_means_and_dashes(table, done, cells, tmp_path):
    done("one", 2020, event=0.3, bounds=[0.25, 0.34])
    done("one", 1, event=0.4, segment=None, psds=None, bounds=[0.35, 0.48])
    done("one", 1, network="teacher", event=0.2)
    done("two", 7, event=0.451, n_files=3, n_reference=4)
    done("two", 7, test_set="public", event=0.123)
    (tmp_path / "two" / "not_a_seed").mkdir()
    broken = tmp_path / "three" / "1" / "validation" / "student"
    broken.mkdir(parents=True)
    (broken / "report.json").write_text("{")
    result = table("--data_folder=/d", "--precision=fp32")
    text = result.markdown()
    head = (
        "system|paper|event F1|teacher event F1|segment F1|PSDS 2020|PSDS 1|"
        "PSDS 2|public event F1|seeds"
    ).split("|")
    assert cells(text, "system") == head
    assert dict(zip(head, cells(text, "one"), strict=True)) == {
        "system": "one",
        "paper": "30.00",
        "event F1": "35.00 (40.00, 30.00) [30.0, 41.0]",
        "teacher event F1": "20.00",
        "segment F1": "75.00",
        "PSDS 2020": "0.250",
        "PSDS 1": "0.250",
        "PSDS 2": "0.250",
        "public event F1": "–",
        "seeds": "1, 2020",
    }
    assert cells(text, "two")[2] == "45.10"
    assert cells(text, "two")[-2:] == ["12.30", "7"]
    assert cells(text, "three")[1:] == ["20.00", *["–"] * 8]
    assert cells(text, "four")[1] == "–"
    assert "validation set of 1, 3 of 4 files" in text
    assert "`--data_folder=/d` `--precision=fp32`" in text
    plain = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    means = plain["rows"][0]["mean"]
    assert means["event F1"] == pytest.approx(35)
    assert means["event F1 low"] == pytest.approx(30)
    assert means["event F1 high"] == pytest.approx(41)
    runs = plain["rows"][0]["runs"]
    assert [run["seed"] for run in runs] == [1, 2020]
    assert runs[0]["segment F1"] is None
    assert runs[1]["event F1 high"] == pytest.approx(34)
    assert plain["rows"][1]["runs"][0]["files"] == "3 of 4"
    assert plain["rows"][2]["runs"] == []


def test_the_precision_of_the_runs(table, done):
    """One sentence where it is one, else by run; also where it is not known."""
    fast = "Trained in bf16, scored in fp32, on cuda."
    done("one", 1, computation=fast)
    done("one", 2020, computation=fast)
    text = table().markdown()
    assert text.count(fast) == 1 and f"one/1: {fast}" not in text
    assert f"MiniDESED). {fast}" in text
    done("two", 7)
    text = table().markdown()
    assert f"one/1, one/2020: {fast} two/7: Precision not recorded." in text
    runs = table().as_dict()["rows"][0]["runs"]
    assert [run["computation"] for run in runs] == [fast, fast]
    assert "computation" not in table().as_dict()["rows"][0]["mean"]


def test_domain_accuracy_where_a_run_has_it(table, done, cells, tmp_path):
    done("one", 1)
    (tmp_path / "one/1/train_log.txt").write_text("epoch: 1 - valid loss: 3\n")
    assert "omain" not in table().markdown()
    done("two", 1)
    lines = [
        f"epoch: {epoch}, lr: 1.0e-3 - train loss: 2.0 - valid loss: 1.0, "
        f"valid domain_accuracy_recorded: 1.0, valid domain_accuracy_mean: "
        f"{epoch / 10:.4e}, valid domain_auc: {epoch / 20:.4e}\n"
        for epoch in range(1, 9)
    ]
    (tmp_path / "two/1/train_log.txt").write_text("".join(lines))
    text = table().markdown()
    assert cells(text, "system")[-3:-1] == ["domain accuracy", "domain AUC"]
    # The mean of epochs 4 to 8
    assert cells(text, "two")[-3:] == ["0.600", "0.300", "1"]
    assert cells(text, "one")[-3:] == ["–", "–", "1"]
    assert "mean over the last 5 epochs" in text


def test_nothing_finished(table, cells):
    text = table().markdown()
    assert "No run is finished." in text
    assert cells(text, "one") == ["one", "30.00", "–", "–"]
    assert table().as_dict()["agreement"] is None


def test_differences_with_their_error(table, done, cells):
    for seed, f1 in enumerate((0.30, 0.32, 0.34)):
        done("one", seed, event=f1)
    for seed, f1 in enumerate((0.40, 0.44)):
        done("two", seed, event=f1)
    done("four", 0, event=0.31)
    _, differences = table().markdown().split("difference")[:2]
    # Variances 4 and 8 over 3 and 2 seeds.
    error = f"{math.sqrt(4 / 3 + 8 / 2):.2f}"
    assert cells(differences, "two")[1:] == ["+5.50", f"+10.00 ± {error}"]
    assert cells(differences, "four")[1:] == ["–", "-1.00"]
    assert "three" not in differences


def test_order(table, done):
    ours = {"one": 0.3, "two": 0.2, "three": 0.1}
    for row, f1 in ours.items():
        assert table().agreement() is None
        done(row, 1, event=f1)
    done("four", 1, event=0.9)  # which the paper does not have
    paper = [PAPER[row] for row in ours]
    assert table().agreement() == {
        "rows": 3,
        "spearman": pytest.approx(spearmanr(paper, [3, 2, 1]).statistic),
        "kendall": pytest.approx(kendalltau(paper, [3, 2, 1]).statistic),
        # Of the 6 orders 3 have as many pairs right or more.
        "p": pytest.approx(1 / 2),
    }
    for row in ours:
        done(row, 1, event=0.0)
    assert table().agreement() is None


def _marks(path, colour):
    """Whether each pixel [height, width] of a figure has about a colour."""
    pixels = imread(path)[..., :3]
    return (abs(pixels - colour) < 0.02).all(axis=-1)


def test_figure_shows_rows_in_order(ablation, table, done, tmp_path):
    plot_table = ablation.plot_table
    red, light_blue = (0.82, 0.286, 0.357), (0.612, 0.765, 0.902)
    plot_table(table(), tmp_path / "empty.png")
    assert _marks(tmp_path / "empty.png", red).any()
    assert not _marks(tmp_path / "empty.png", light_blue).any()
    for row, f1 in {"one": 0.05, "three": 0.4, "four": 0.2}.items():
        for seed in (1, 2):
            done(row, seed, event=f1, bounds=[f1 - 0.02, f1 + 0.02])
    plot_table(table(), tmp_path / "some.png")
    widths = _marks(tmp_path / "some.png", light_blue).sum(axis=1)
    # From top to bottom, each bar as its longest line; not the legend's.
    bars, last = [], 0
    for width in widths:
        bars += [0] if width and not last else []
        bars[-1:] = [max(bars[-1], width)] if bars else []
        last = width
    assert len(bars) == 4
    assert bars[1] / bars[0] == pytest.approx(8, rel=0.1)
    assert bars[1] / bars[2] == pytest.approx(2, rel=0.1)


def test_columns_that_not_every_table_has(table, done, cells, tmp_path):
    done("one", 1, event=0.2, clip_map=0.25)
    done("one", 2, event=0.4, clip_map=0.5)
    done("two", 1, event=0.3)
    assert "minutes" not in table().markdown()
    (tmp_path / "one" / "1" / "seconds.txt").write_text("120.0\n")
    text = table().markdown()
    head = cells(text, "system")
    one = dict(zip(head, cells(text, "one"), strict=True))
    assert (one["clip mAP"], one["minutes"]) == ("0.375", "2")
    assert dict(zip(head, cells(text, "two"), strict=True))["clip mAP"] == "–"
    assert "mean average precision of the weak scores" in text
