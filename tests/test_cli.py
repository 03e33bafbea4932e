"""The command line: what a verb's signature becomes, what its value prints, how each failure ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Literal

import pytest

from auricle import catalog, cli
from auricle.errors import AudioError
from auricle.types import Skipped


def listen(
    model: str,
    files: tuple[Path, ...],
    *,
    rate: int = 16_000,
    gain: float | None = None,
    mode: Literal["fast", "exact"] = "exact",
    set_: tuple[str, ...] = (),
    quiet: bool = False,
    smooth: bool = True,
    to: Annotated[str, "losses"] = "focal",
):
    """What is heard.

    First paragraph.

    Args:
        model: a name or
            a file.
        files: sound.
        rate: samples a second.
        gain: decibels.
        mode: how.
        set_: a setting.
        quiet: say less.
        smooth: average.
        to: a loss.
    """
    return json.dumps([model, [str(f) for f in files], rate, gain, mode, list(set_), quiet, smooth, to])


@pytest.fixture
def verb(monkeypatch):
    """Puts one function in the place of all verbs."""

    def put(function):
        text = "What a test does."
        load, names, summary, explained = catalog.load, catalog.names, catalog.summary, catalog.explained
        monkeypatch.setattr(catalog, "names", lambda kind: ["listen"] if kind == "verbs" else names(kind))
        monkeypatch.setattr(catalog, "load", lambda kind, name: function if kind == "verbs" else load(kind, name))
        monkeypatch.setattr(catalog, "summary", lambda kind, name: text if kind == "verbs" else summary(kind, name))
        monkeypatch.setattr(
            catalog, "explained", lambda kind, name: catalog.arguments(function_doc(function)) if kind == "verbs" else explained(kind, name)
        )
        return function

    return put


def function_doc(function) -> str:
    import inspect

    return inspect.getdoc(function) or ""


def run(*words: str) -> int:
    return cli.main(list(words))


def test_defaults_are_the_functions(verb, capsys):
    verb(listen)
    assert run("listen", "m.onnx", "a.wav") == 0
    assert json.loads(capsys.readouterr().out) == ["m.onnx", ["a.wav"], 16000, None, "exact", [], False, True, "focal"]


def test_every_kind_of_parameter(verb, capsys):
    verb(listen)
    words = ["m", "a", "b", "--rate", "8000", "--gain", "-3.5", "--mode", "fast", "--set", "x=1", "--set", "y=2", "--quiet"]
    words += ["--no-smooth", "--to", "cross_entropy"]
    assert run("listen", *words) == 0
    assert json.loads(capsys.readouterr().out) == ["m", ["a", "b"], 8000, -3.5, "fast", ["x=1", "y=2"], True, False, "cross_entropy"]


def test_help_is_the_docstring(verb, capsys):
    verb(listen)
    assert run("listen", "--help") == 0
    out = capsys.readouterr().out
    for wanted in (
        "First paragraph.",
        "a name or a file.",
        "--rate INTEGER",
        "[default: 16000]",
        "--smooth / --no-smooth",
        "FILES...",
        "[fast|exact]",
    ):
        assert wanted in out
    assert "Args:" not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["listen"], "Missing argument"),
        (["listen", "m"], "FILES"),
        (["listen", "m", "a", "--rate", "ten"], "'ten' is not a valid int"),
        (["listen", "m", "a", "--mode", "slow"], "'slow'"),
        (["listen", "m", "a", "--to", "hinge"], "'hinge'"),
        (["listen", "m", "a", "--quite"], "--quiet"),
        (["lisen"], "did you mean listen?"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_request_ends_with_two(verb, capsys, words, said):
    verb(listen)
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert said in told.err


def test_no_words_is_help(capsys):
    assert run() == 0
    assert "Commands:" in capsys.readouterr().out


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("auricle 0")


def test_text_or_tree(verb, capsys):
    def listen():
        return SimpleNamespace(text=lambda: "one\ntwo", tree=lambda: {"x": float("nan"), "p": [1.5, Path("a")]})

    verb(listen)
    assert run("listen") == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert run("listen", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"x": None, "p": [1.5, "a"]}


def test_skipped_files_are_listed_and_end_with_three(verb, capsys):
    def listen():
        return SimpleNamespace(text=lambda: "done", skipped=(Skipped(Path("b.wav"), "is empty"),))

    verb(listen)
    assert run("listen") == 3
    told = capsys.readouterr()
    assert told.out == "done\n"
    assert told.err == "skipped: b.wav: is empty\n"


def test_a_stream_is_printed_as_it_comes(verb, capsys):
    seen = []

    class Answers:
        skipped = ()

        def __iter__(self):
            for k in range(3):
                seen.append(capsys.readouterr().out)
                yield SimpleNamespace(text=lambda k=k: f"line {k}", tree=lambda k=k: {"k": k})
            self.skipped = (Skipped(Path("x"), "is silent"),)

    def listen():
        return Answers()

    verb(listen)
    assert run("listen") == 3
    assert seen == ["", "line 0\n", "line 1\n"]
    assert run("listen", "--json") == 3
    assert capsys.readouterr().out == '{"k": 2}\n'


def test_an_answer_of_no_ends_with_one(verb):
    def listen():
        return SimpleNamespace(text=lambda: "differs", exit_code=1)

    verb(listen)
    assert run("listen") == 1


@pytest.mark.parametrize(
    ("wrong", "code", "told"),
    [
        (AudioError("a.wav is empty", hint="record again"), 1, "error: a.wav is empty\nhint: record again\n"),
        (KeyboardInterrupt("auricle train --resume runs/x"), 130, "error: interrupted\nhint: auricle train --resume runs/x\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (OSError(28, "No space left on device", "out.wav"), 1, "error: out.wav: No space left on device\n"),
        (ModuleNotFoundError("No module named 'av'", name="av"), 1, 'hint: pip install "auricle[formats]"\n'),
    ],
)
def test_failures_are_one_sentence(verb, capsys, wrong, code, told):
    def listen():
        raise wrong

    verb(listen)
    assert run("listen") == code
    err = capsys.readouterr().err
    assert err.endswith(told)
    assert "Traceback" not in err


def test_a_defect_is_not_dressed_up(verb):
    def listen():
        raise ZeroDivisionError

    verb(listen)
    with pytest.raises(ZeroDivisionError):
        run("listen")


def test_a_reader_that_leaves_is_no_failure():
    code = "import sys; from auricle import cli; sys.exit(cli.main(['show', 'recipes', 'x'][:1]))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == b""


def test_completion_lists_verbs_without_importing_them():
    code = "import sys; from auricle import cli; c = cli.main([]); sys.exit(any(m.startswith('auricle.verbs.') for m in sys.modules))"
    asked = {**os.environ, "_AURICLE_COMPLETE": "bash_complete", "COMP_WORDS": "auricle sh", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=asked, check=False)
    assert "plain,show" in done.stdout, done.stderr


def test_show_prints_a_recipe_verbatim(capsys):
    from auricle import recipe

    for name in recipe.shipped():
        assert run("show", "recipes", name) == 0
        assert capsys.readouterr().out == recipe.text(name)


def test_show_lists_and_explains(capsys):
    assert run("show") == 0
    assert "models" in capsys.readouterr().out
    assert run("show", "models") == 0
    assert "cnn" in capsys.readouterr().out
    assert run("show", "models", "cnn", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    width = next(s for s in told["settings"] if s["name"] == "width")
    assert (width["type"], width["default"]) == ("int", 16)
    assert width["meaning"].startswith("channels")
    assert run("show", "modles") == 2
    assert "did you mean models?" in capsys.readouterr().err


def test_check_on_a_file_of_ones_own(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        '"""A loss that is always zero."""\nfrom torch import nn\n\n\nclass Mine(nn.Module):\n    """Nothing."""\n\n'
        "    def forward(self, logits, target):\n        return (logits * 0).sum()\n",
        encoding="utf-8",
    )
    assert run("check", "losses", str(path)) == 1
    out = capsys.readouterr().out
    assert "FAILED  better is less" in out
    assert "checks failed" in out
    assert run("check", "losses", "focal", "--set", "gamma=1.5", "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert run("check", "losses", "focal", "--set", "gama=1.5") == 2
    assert "did you mean gamma?" in capsys.readouterr().err
    assert run("check", "layers", "masked") == 2
    assert "has no battery" in capsys.readouterr().err
