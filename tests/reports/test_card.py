from __future__ import annotations

import json
import re

from tests.reports.conftest import CHINESE

from auricle.reports.card import write_card


def test_the_card_says_what_by_whom_how_well_and_how_to_use_it(run):
    path = write_card(run)
    text, metrics = path.read_text(encoding="utf-8"), json.loads((run / "metrics.json").read_text())
    assert path.name == "MODEL_CARD.md"
    assert re.findall(r"^## (.*)$", text, re.M) == ["Scores", "How this was measured", "Data", "Limits", "Use"]
    accuracy = metrics["scores"]["accuracy"]
    shares = [f"{100 * accuracy[k]:.1f}" for k in ("value", "low", "high")]
    assert f"| Accuracy | {shares[0]} % | {shares[1]} to {shares[2]} % |" in text
    for said in (
        "CC BY 4.0",
        "A. Author",
        "fold 5 judges",
        "Last epoch",
        "20 groups",
        "log_mel → cnn → mean_pool",
        "auricle predict",
        "2026-11-21",
    ):
        assert said in text, said


def test_what_it_begins_with_is_said_with_its_licence(run):
    metrics = json.loads((run / "metrics.json").read_text())
    begun = {"weights": "timm/resnet18.a1_in1k", "license": "apache-2.0", "source": "https://example.org/models", "weights_may_ship": True}
    told = {**metrics, "protocol": {**metrics["protocol"], "transfer": begun}}
    (run / "metrics.json").write_text(json.dumps(told))
    try:
        text = write_card(run).read_text(encoding="utf-8")
    finally:
        (run / "metrics.json").write_text(json.dumps(metrics))
    assert "* **Begins with.** timm/resnet18.a1_in1k (apache-2.0, <https://example.org/models>)" in text


def test_names_are_letters_in_markdown_too(run):
    text = write_card(run).read_text(encoding="utf-8")
    assert CHINESE in text
    assert "\\<script\\>alert(1)\\</script\\>" in text
    assert "a\\|b" in text
    assert "\\*A set of sounds\\*" in text
    assert not re.search(r"(?<!\\)<script", text)


def test_weak_classes_are_named_with_their_recall(run):
    metrics = json.loads((run / "metrics.json").read_text())
    weakest = min(metrics["per_class"], key=lambda c: c["recall"])
    assert f"({100 * weakest['recall']:.0f} % of {weakest['support']})" in write_card(run).read_text(encoding="utf-8")


def test_annotators_who_divide(divided):
    text = write_card(divided).read_text(encoding="utf-8")
    assert "says how annotators would divide over 4 classes" in text
    assert "**Labels.** Divergence, cross entropy and calibration are of all clips; what names a label is of the 32 of 40 clips" in text
    assert "| Cross entropy | " in text
    assert " nat |" in text


def test_several_labels(multi):
    text = write_card(multi).read_text(encoding="utf-8")
    assert "says which of 3 classes hold" in text
    assert "Mean average precision" in text
    assert "always names one" not in text
