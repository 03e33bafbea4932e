"""The page as a document, without a browser: what it says, what it escapes, what it carries."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser

import pytest
import soundfile
from tests.reports.conftest import CHINESE, HOSTILE, LABELS, sounds, write_run

from auricle.errors import DataError
from auricle.reports import html
from auricle.reports._run import read_run
from auricle.reports.html import write_report

_COLUMNS = ",".join(f"p:{label}" for label in LABELS)
_VOID = {"meta", "link", "img", "br", "input", "path", "rect", "line", "circle", "polyline"}


class Page(HTMLParser):
    """Every element with its attributes and the text inside; complains about a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.stack: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in _VOID:
            assert self.stack.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]

    def text(self):
        return " ".join(" ".join(text for tag, text in self.texts if tag not in {"script", "style"}).split())


@pytest.fixture(scope="module")
def page(run):
    return Page(write_report(run).read_text(encoding="utf-8"))


def test_nothing_from_outside_is_named(run, page):
    for tag, attributes in page.found:
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_labels_and_file_names_are_text_and_never_tags(page):
    assert len(page.all("script")) == 1  # the page's own
    assert page.all("i") == [a for a in page.all("i") if a]  # `<i>` of the data set's name has no attributes
    assert [a for a in page.all("b") if a not in ({}, {"class": "said"})] == []
    text = page.text()
    for said in (HOSTILE, CHINESE, "a|b", "weather & 动物 <i>", f"bad/{HOSTILE}.wav"):
        assert said in text, said


def test_figures_stand_with_interval_and_protocol(run, page):
    metrics, text = json.loads((run / "metrics.json").read_text()), page.text()
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error"):
        score = metrics["scores"][name]
        assert f"{100 * score['value']:.1f} % {100 * score['low']:.1f} to {100 * score['high']:.1f} %" in text, name
    for said in (
        "60 clips from 20 groups",
        "fold 5 judges",
        "0123abcd4567",
        "Last epoch.",
        "resampled over 20 groups",
        "CC BY 4.0",
        "2026-11-21, seed 0",
    ):
        assert said in text, said


def test_every_cell_leads_to_the_clips_behind_it(run, page):
    metrics = json.loads((run / "metrics.json").read_text())
    answers = read_run(run).answers
    ids = [a["id"] for _, a in page.found if a.get("id")]
    assert max(Counter(ids).values()) == 1
    links = {a["href"]: a["aria-label"] for a in page.all("a") if (a.get("href") or "").startswith("#cell-") and a.get("aria-label")}
    for t, row in enumerate(metrics["confusion"]):
        for p, count in enumerate(row):
            key = f"#cell-{t}-{p}"
            assert (key in links) == (count > 0)
            if count:
                assert links[key] == f"{LABELS[t]} named {LABELS[p]}: {count}"
                assert count == sum(a.truth == (LABELS[t],) and a.prediction == (LABELS[p],) for a in answers)
    targets = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert targets <= set(ids)


def test_mistakes_can_be_heard_and_seen(run, page):
    heard = html.mistakes(read_run(run))
    assert 0 < len(heard) <= 12
    assert [h.score for h in heard] == sorted((h.score for h in heard), reverse=True)
    players = page.all("audio")
    assert len(players) == len(heard)
    for player, each in zip(players, heard, strict=True):
        sound, rate = soundfile.read(io.BytesIO(base64.b64decode(player["src"].partition(",")[2])))
        original = soundfile.info(each.answer.path)
        assert len(sound) / rate == pytest.approx(original.duration, abs=0.15)
        assert abs(sound).max() > 0.1
        assert player["aria-label"] == each.answer.name
    pictures = page.all("img")
    assert all(p["alt"].startswith("Spectrogram of ") for p in pictures)
    assert all(base64.b64decode(p["src"].partition(",")[2]).startswith(b"\x89PNG") for p in pictures)


def test_no_folder_of_the_machine_is_shown(run):
    assert str(run.parent) not in (run / "report.html").read_text(encoding="utf-8")


def test_plots_are_pictures_with_a_name(page):
    named = [a["aria-label"] for a in page.all("svg") if a.get("role") == "img"]
    assert named == [
        "Loss over epochs",
        "Accuracy on the development group over epochs",
        "Share of right answers against the probability given to them",
    ]


def test_several_labels_have_no_matrix_but_mistakes(multi):
    page = Page(write_report(multi).read_text(encoding="utf-8"))
    assert not any(a.get("id") == "confusion" for _, a in page.found)
    text = page.text()
    assert "Mean average precision" in text
    assert "d′" in text
    assert re.search(r"not rain|not <script>|not 狗叫", text)
    assert page.all("audio")


def test_annotators_who_divide(divided):
    run, page = read_run(divided), Page(write_report(divided).read_text(encoding="utf-8"))
    tied = [n for n, answer in enumerate(run.answers) if len(answer.truth) == 2]
    assert tied == list(range(0, 40, 5))
    assert not any(run.answers[n].wrong for n in tied)
    wrong = [answer for answer in run.answers if answer.wrong]
    assert 0 < len(wrong) == 32 - sum(run.metrics["confusion"][k][k] for k in range(4))
    text = page.text()
    assert f"{len(wrong)} clips answered otherwise than by most annotators" in text
    assert "32 of 40 clips with one most voted label" in text
    assert re.search(r"most annotators say .{1,40} \(75 %\)", text)
    assert re.search(r"Jensen-Shannon divergence 0\.\d{3} bit", text)
    cells = sum(len(cell.clips) for row in html.matrix(run).rows for cell in row)
    assert cells == 32
    assert HOSTILE in text


def test_a_clip_that_is_gone_keeps_its_place_and_says_why(run, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    text = (moved / "predictions.csv").read_text(encoding="utf-8")
    (moved / "predictions.csv").write_text(text.replace("/sounds/", "/gone/"), encoding="utf-8")
    page = Page(write_report(moved).read_text(encoding="utf-8"))
    assert not page.all("audio")
    assert page.text().count("Cannot be played:") == len(html.mistakes(read_run(moved)))


def test_a_run_that_was_only_judged_needs_two_files(run, tmp_path):
    for name in ("metrics.json", "predictions.csv"):
        shutil.copy(run / name, tmp_path)
    text = Page(write_report(tmp_path).read_text(encoding="utf-8")).text()
    assert "Nothing was skipped" in text
    assert "Loss" not in text


def test_long_clips_and_many_clips_stay_light(tmp_path):
    import numpy as np

    rng = np.random.default_rng(0)
    long = tmp_path / "long.wav"
    soundfile.write(long, rng.normal(size=48000 * 30) * 0.2, 48000)
    labels = tuple(f"class {k}" for k in range(70))
    folder = write_run(tmp_path / "run", [long] * 2500, list(rng.integers(0, 70, 2500)), labels=labels, skill=0.5)
    page = write_report(folder)
    assert page.stat().st_size < 6e6
    parsed = Page(page.read_text(encoding="utf-8"))
    assert "6 are left out" in parsed.text()
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(parsed.all("audio")[0]["src"].partition(",")[2])))
    assert rate == 32000
    assert len(sound) / rate == pytest.approx(10, abs=0.15)


def test_a_faultless_run_says_that_this_proves_little(tmp_path):
    folder = write_run(tmp_path / "run", sounds(tmp_path / "s", clips=8, classes=4), [n % 4 for n in range(8)], skill=30.0)
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    assert "not proof of a faultless model" in page.text()
    assert not page.all("audio")


def test_the_page_is_there_whole_or_not_at_all(run, tmp_path, monkeypatch):
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    before = (moved / "report.html").read_bytes() if (moved / "report.html").exists() else b"old"
    (moved / "report.html").write_bytes(before)
    monkeypatch.setattr(html, "render", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(moved)
    assert (moved / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("metrics.json", None, "metrics.json is not there"),
        ("metrics.json", "{", "not JSON"),
        ("metrics.json", "{}", "names no task"),
        ("predictions.csv", None, "no answers"),
        ("predictions.csv", "path,truth,prediction\na.wav,rain,rain\n", "no column 'p:"),
        (
            "predictions.csv",
            "path,truth,prediction,p:rain,p:狗叫 & 猫叫,p:<script>alert(1)</script>,p:a|b\na.wav,snow,rain,1,0,0,0\n",
            "line 2: 'snow'",
        ),
    ],
)
def test_a_damaged_run_is_named_in_a_sentence(run, tmp_path, name, text, said):
    for each in ("metrics.json", "predictions.csv"):
        shutil.copy(run / each, tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(said)):
        write_report(tmp_path)
