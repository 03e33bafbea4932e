"""A stand-in for espeak-ng: the same options, and a tone for a voice, so that what is built on it runs where it isn't installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import math, struct, sys, wave
words = sys.argv[1:]
if "--version" in words:
    print("eSpeak NG text-to-speech: 1.0-tone  Data at: /nowhere"); sys.exit()
head = "Pty Language       Age/Gender VoiceName          File                 Other Languages"
voices = {
    "en": " 2  en-gb  --/M  English  gmw/en  (en 2)\\n 5  en-us  --/M  English_US  gmw/en-US\\n 5  en-us  --/M  us-mbrola-2  mb/mb-us2",
    "variant": "".join(f"\\n 5  variant  --/M  name  !v/{v}" for v in "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 f5".split()),
}
if words[0].startswith("--voices="):
    print(head, voices.get(words[0].partition("=")[2], ""), sep="\\n"); sys.exit()
given = dict(zip(words, words[1:]))
if given["-v"].partition("+")[0] not in ("en", "en-gb", "en-us"):
    sys.exit("Error: The specified espeak-ng voice does not exist.")
if "-q" in words:
    sys.exit()
text = sys.stdin.read()
rate, letters = 22050, sum(c.isalpha() for c in text)
hertz, length = 100 + 4 * int(given["-p"]), rate * letters * 10 // int(given["-s"])
level = 16000 * int(given["-a"]) // 200
tone = [round(level * math.sin(2 * math.pi * hertz * t / rate)) for t in range(length)]
with wave.open(given["-w"], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(rate)
    file.writeframes(struct.pack(f"<{length + 4000}h", *[0] * 2000, *tone, *[0] * 2000))
"""


def install(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Puts it in front of every other program."""
    folder.mkdir()
    program = folder / "espeak-ng"
    program.write_text(f"#!{sys.executable} -S\n{_PROGRAM}", encoding="utf-8")
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
