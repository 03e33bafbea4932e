"""One command a file, one function of the same name, parameters and defaults.

`auricle.cli` builds the command from the function alone; there is nothing to register and no default to repeat.

* **Docstrings.** The module's first line is the command's line in `auricle --help`. The function's docstring is its help; the Args line
  of a parameter is that parameter's help.
* **Parameters.** Positional-or-keyword ones are the command's arguments, keyword-only ones its options. Types: str, int, float, bool,
  Path, `Literal` of strings, `tuple[str, ...]` or `tuple[Path, ...]`, each `| None`; `Annotated[str, "exporters"]` takes the names of a
  catalogue. A positional tuple takes any number of words, and at least one if it has no default; a keyword-only tuple is an option that
  may be repeated. A trailing underscore is left out (`set_` is `--set`), other underscores become hyphens. A bool whose default is
  False is a flag; one whose default is True or None gets `--no-` too. Defaults are literals. No verb names a parameter `as_json`: every
  command has `--json`.
* **Value.** None prints nothing; a str is printed; anything else has `text() -> str` and, for `--json`, `tree()` of plain JSON values.
  Where there is more than one answer, or they come over time, the verb returns an iterable of such values: each is printed, and
  flushed, when it comes, and is one line of JSON with `--json`. A value (or iterable, after its end) with a non-empty `skipped:
  tuple[Skipped, ...]` lists these files on stderr and exits with 3. A value may have `exit_code: int`: 1 where the work was done and
  its answer is no (`check`, `verify`).
* **Failure.** An `AuricleError` is told as one sentence and its hint, with its exit code. A verb that can be resumed raises
  `KeyboardInterrupt("auricle train --resume RUN")`; its text is printed as the hint.
* **Talk.** Progress goes to stderr. Heavy imports (torch, scikit-learn) stand inside the function, so that `--help` is quick and works
  without them.
"""
