"""The verbs as commands: a request parsed from a verb's signature, its value printed, its failure told in one sentence.

The commands are the files of `verbs/`; what a verb may take and return is written there. Nothing is imported before it is needed:
`auricle --help` reads the verbs' docstrings from their source, and `auricle VERB` imports that verb alone.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from auricle import __version__, catalog
from auricle.errors import AuricleError, MissingExtraError, RequestError
from auricle.processes import launched, leads

_DONE, _FAILED, _WRONG, _SKIPPED, _INTERRUPTED = 0, 1, 2, 3, 130
_PLAIN: dict[object, click.ParamType[typing.Any]] = {str: click.STRING, int: click.INT, float: click.FLOAT, bool: click.BOOL}
_EXTRAS = {
    "formats": {"av"},
    "microphone": {"sounddevice"},
    "stretch": {"python_stretch"},
    "tune": {"optuna"},
    "imbalance": {"imblearn"},
    "train": {"torch", "safetensors", "lightning_fabric", "sklearn", "scipy", "onnx", "onnxscript", "matplotlib", "jinja2"},
}
_SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:")


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a verb, parsed and not yet made.

    Args:
        verb: the function.
        arguments: its arguments by name.
        as_json: whether its value is printed as JSON.
    """

    verb: Callable[..., object]
    arguments: dict[str, object]
    as_json: bool


class Verbs(click.Group):
    """The group of all verbs, each imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the verbs, from the file tree."""
        return catalog.names("verbs")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002 - click's signature
        """The command of one verb; the nearest name is told where there is none."""
        if cmd_name not in catalog.names("verbs"):
            raise RequestError(f"{cmd_name!r} is not a command{catalog.nearest(cmd_name, catalog.names('verbs'))}")
        return command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """One line a verb, from its file's docstring; imports none of them."""
        rows = [(name, catalog.summary("verbs", name)) for name in catalog.names("verbs")]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs and options that begin like this; imports no verb."""
        verbs = [
            CompletionItem(name, help=catalog.summary("verbs", name)) for name in catalog.names("verbs") if name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)


class Verb(click.Command):
    """The command of one verb, with a help line for arguments too."""

    def __init__(
        self, name: str, callback: Callable[..., object], *, prose: str, arguments: list[tuple[str, str]], params: list[click.Parameter]
    ) -> None:
        super().__init__(name, callback=callback, params=params, help=prose)
        self.argument_lines = arguments

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The arguments, then the options."""
        if self.argument_lines:
            with formatter.section("Arguments"):
                formatter.write_dl(self.argument_lines)
        super().format_options(ctx, formatter)


def group() -> Verbs:
    """The whole command."""
    version = click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print the version and exit."
    )
    about = "From labelled sound to an honestly measured model, exported as one file and listening live."
    return Verbs(
        "auricle", params=[version], help=about, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 140}
    )


def command(name: str) -> Verb:
    """The command built from a verb's signature and docstring; imports the verb.

    Args:
        name: the verb's.

    Returns:
        A command whose invocation is a `Request`.

    Raises:
        MissingExtraError: the verb's file imports a package that an extra of auricle brings, and it isn't installed.
    """
    with _extras_told(f"auricle {name}"):
        verb: Callable[..., object] = catalog.load("verbs", name)
    hints = typing.get_type_hints(verb, include_extras=True)
    lines = catalog.explained("verbs", name)
    params: list[click.Parameter] = []
    arguments: list[tuple[str, str]] = []
    for parameter in inspect.signature(verb).parameters.values():
        line = lines.get(parameter.name, "")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            params.append(_option(parameter, hints[parameter.name], line))
        else:
            argument = _argument(parameter, hints[parameter.name])
            params.append(argument)
            arguments.append((parameter.name.upper(), line))
    params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON."))

    def request(as_json: bool, **values: object) -> Request:
        return Request(verb, values, as_json)

    return Verb(name, request, prose=_prose(inspect.getdoc(verb) or ""), arguments=arguments, params=params)


def main(args: list[str] | None = None) -> int:
    """The exit code of one command line.

    Args:
        args: the words after `auricle`; None takes this process's.

    Returns:
        0 done, 1 the work failed, 2 the request was wrong, 3 done but some files were skipped, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")  # file names are bytes: they are printed as they came
    words = sys.argv[1:] if args is None else args
    try:
        request = group().main(words or ["--help"], prog_name="auricle", standalone_mode=False)
        return _run(request) if isinstance(request, Request) else int(request or 0)
    except AuricleError as failed:
        if failed.exit_code == _WRONG and not leads():  # the first of several processes says the same
            return _WRONG
        return _tell(str(failed), failed.hint, failed.exit_code)
    except click.UsageError as wrong:
        path = wrong.ctx.command_path if wrong.ctx else "auricle"
        return _tell(wrong.format_message(), f"{path} --help", _WRONG)
    except click.ClickException as wrong:
        return _tell(wrong.format_message(), "", wrong.exit_code)
    except (KeyboardInterrupt, click.Abort) as stopped:
        return _tell("interrupted", str(stopped), _INTERRUPTED)
    except BrokenPipeError:
        # The reader has had enough (`| head`). Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
        return _DONE
    except OSError as failed:
        named = f"{failed.filename}: " if failed.filename else ""
        return _tell(f"{named}{failed.strerror or failed}", "", _FAILED)


def _run(request: Request) -> int:
    with _extras_told(f"auricle {request.verb.__name__}"):
        value = request.verb(**request.arguments)
        if isinstance(value, Iterable) and not isinstance(value, str) and not hasattr(value, "text"):
            for each in value:
                _print(each, as_json=request.as_json, indent=None)
        elif value is not None:
            _print(value, as_json=request.as_json, indent=2)
    skipped = tuple(getattr(value, "skipped", ()))
    for each in skipped:
        told = each.reason.removeprefix(f"{each.path} ").removeprefix(f"{each.path}: ")
        _say("skipped", f"{each.path}: {told}", "yellow")
    code = int(getattr(value, "exit_code", _DONE))
    # A launcher of several processes knows done and failed only.
    return _SKIPPED if skipped and code == _DONE and launched() == 1 else code


def _print(value: object, *, as_json: bool, indent: int | None) -> None:
    if as_json and hasattr(value, "tree"):
        text = json.dumps(_finite(value.tree()), ensure_ascii=False, indent=indent, default=str)
    else:
        text = value.text() if hasattr(value, "text") else str(value)
    sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
    sys.stdout.flush()


def _finite(value: object) -> object:
    """The same tree with NaN and infinities, which JSON has no words for, as None."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


def _tell(sentence: str, hint: str, code: int) -> int:
    _say("error", sentence, "red")
    if hint:
        _say("hint", hint, "cyan")
    return code


def _say(word: str, sentence: str, colour: str) -> None:
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    sys.stderr.write(f"{click.style(f'{word}:', fg=colour, bold=True) if coloured else f'{word}:'} {sentence}\n")


@contextmanager
def _extras_told(what: str) -> Iterator[None]:
    """Turns the absence of a package that an extra brings into the sentence that says which; anything else missing is a defect."""
    try:
        yield
    except ModuleNotFoundError as wrong:
        package = (wrong.name or "").partition(".")[0]
        extra = next((extra for extra, packages in _EXTRAS.items() if package in packages), None)
        if extra is None:
            raise
        raise MissingExtraError(f"{what} uses {package}, which", extra) from wrong


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's signature
    if value and not ctx.resilient_parsing:
        sys.stdout.write(f"auricle {__version__}\n")
        ctx.exit()


def _argument(parameter: inspect.Parameter, annotation: object) -> click.Argument:
    kind, many = _kind(annotation)
    required = parameter.default is inspect.Parameter.empty
    default = None if required or many else parameter.default
    return click.Argument([parameter.name], type=kind, nargs=-1 if many else 1, required=required, default=default)


def _option(parameter: inspect.Parameter, annotation: object, line: str) -> click.Option:
    kind, many = _kind(annotation)
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    flag = f"--{parameter.name.rstrip('_').replace('_', '-')}"
    is_flag = kind is click.BOOL
    if is_flag and default is not False:
        flag += f"/--no-{flag[2:]}"
    shown = default not in (None, False, (), "")
    return click.Option(
        [flag, parameter.name],
        type=None if is_flag else kind,
        is_flag=is_flag or None,
        multiple=many,
        required=required,
        default=default,
        show_default=shown,
        help=line,
    )


def _kind(annotation: object) -> tuple[click.ParamType[typing.Any], bool]:
    """What click converts a word to, and whether there may be several of them."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return click.Choice(catalog.names(inner[1])), False
    if origin in (typing.Union, types.UnionType):
        return _kind(next(each for each in inner if each is not type(None)))
    if origin is tuple and inner[1:] == (...,):
        return _kind(inner[0])[0], True
    if origin is typing.Literal:
        return click.Choice([str(each) for each in inner]), False
    if annotation is Path:
        return click.Path(path_type=Path), False
    if annotation in _PLAIN:
        return _PLAIN[annotation], False
    raise TypeError(
        f"{annotation} can't be a command's parameter; a verb takes str, int, float, bool, Path, Literal, tuple[..., ...] or None"
    )


def _prose(document: str) -> str:
    """A docstring without its sections, indented paragraphs kept as they are."""
    kept: list[str] = []
    for paragraph in document.split("\n\n"):
        if paragraph.startswith(_SECTIONS):
            continue
        literal = any(row.startswith((" ", ">>>", "* ")) for row in paragraph.splitlines())
        kept.append(f"\b\n{paragraph}" if literal else paragraph)
    return "\n\n".join(kept)
