"""The command `weft`: run | demo | doctor | explain | bench.

Each command loads what it needs when it is chosen, so that looking at the help is quick.
Exit codes: 0 well, 1 the command found something wrong, 2 it was used wrongly.
"""

from __future__ import annotations

import argparse
import functools
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

USAGE_ERROR = 2


class UsageError(Exception):
    """The command was used wrongly; its text is the whole message."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code.

    Args:
        arguments: words after `weft`; those of this process if None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    try:
        options = parser.parse_args(words)
    except SystemExit as end:
        return int(end.code or 0)
    if options.command is None:
        parser.print_help()
        return USAGE_ERROR
    try:
        return options.command(options)
    except UsageError as error:
        print(f"weft: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# -- what can be said --------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="weft",
        description="A deep-learning framework: Keras's API, a compiler of its own.",
    )
    parser.add_argument("--version", action=_Version)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary, build in COMMANDS:
        inner = commands.add_parser(name, help=summary, description=summary)
        build(inner)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **rest: Any) -> None:
        super().__init__(
            option_strings, argparse.SUPPRESS, nargs=0, help="show the version"
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import weft

        print(f"weft {weft.__version__}")
        parser.exit()


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", help="a Python file written for Keras or TensorFlow")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="argument",
                        help="what the script finds in sys.argv")  # fmt: skip
    parser.set_defaults(command=_run)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--epochs", type=_positive, default=5, help="times through the data"
    )
    parser.add_argument("--seed", type=int, help="for the same numbers each time")
    parser.add_argument("--folder", help="where the pictures go (default: weft-demo)")
    parser.add_argument(
        "--language", choices=("en", "ko"), default="en", help="of the words on pictures"
    )
    parser.set_defaults(command=_demo)


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs to read")
    parser.add_argument("--quick", action="store_true", help="take no speeds")
    parser.set_defaults(command=_doctor)


def _explain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FILE:NAME",
                        help="a function in a Python file, as model.py:step")  # fmt: skip
    parser.add_argument(
        "specs",
        nargs="*",
        metavar="SPEC",
        help="its arguments: a dtype and a shape, as f32[128,784] or i32[]",
    )
    parser.add_argument("--measure", action="store_true", help="run it and take times")
    parser.add_argument("--html", metavar="PATH", help="write a page as well")
    parser.add_argument("--graph", action="store_true", help="print the graph as well")
    parser.set_defaults(command=_explain)


def _bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workload", help="names separated by commas (default: quick ones)"
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also those of Keras, PyTorch and JAX that are installed",
    )
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH",
                        help="another interpreter for a contender")  # fmt: skip
    parser.add_argument(
        "--rounds", type=_positive, default=1, help="processes per contender"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few steps, to see that it works"
    )
    parser.add_argument("--json", metavar="PATH", help="write the figures")
    parser.add_argument("--picture", metavar="PATH", help="draw bars (needs matplotlib)")
    parser.add_argument("--list", action="store_true", help="list workloads and contenders")
    parser.set_defaults(command=_bench)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 is needed; received {word}")
    return number


COMMANDS: list[tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = [
    ("run", "Run a script written for Keras or TensorFlow, unchanged.", _run_options),
    (
        "demo",
        "Teach a small network to read digits, and draw what it learned.",
        _demo_options,
    ),
    (
        "doctor",
        "Show what weft finds here, how fast it is, and what is wrong.",
        _doctor_options,
    ),
    ("explain", "Show the kernels that a function becomes.", _explain_options),
    ("bench", "Measure training and prediction, beside other frameworks.", _bench_options),
]


# -- what is done ------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    path = _existing_file("run", options.script)
    from weft import compat

    compat.install()
    sys.argv = [options.script, *options.words]
    # As Python does: the script finds its neighbours first.
    sys.path[0] = str(path.resolve().parent)
    sys.excepthook = functools.partial(_from_the_script, str(path))
    runpy.run_path(str(path), run_name="__main__")
    return 0


def _from_the_script(path: str, kind: type, error: BaseException, traceback: Any) -> None:
    """Print an error as Python does for the script itself: from its line on."""
    start = traceback
    while start is not None and start.tb_frame.f_code.co_filename != path:
        start = start.tb_next
    sys.__excepthook__(kind, error.with_traceback(start or traceback), start or traceback)


def _demo(options: argparse.Namespace) -> int:
    from weft import demo

    return demo.run(options.epochs, options.seed, options.folder, options.language)


def _doctor(options: argparse.Namespace) -> int:
    from weft import doctor

    return doctor.run(as_json=options.json, measure=not options.quick)


def _explain(options: argparse.Namespace) -> int:
    file_name, separator, name = options.function.rpartition(":")
    if not separator or not name.isidentifier():
        raise UsageError(
            f"explain: a function is written FILE:NAME; received {options.function!r}"
        )
    path = _existing_file("explain", file_name)
    specs = [_spec(word) for word in options.specs]
    sys.path[0] = str(path.resolve().parent)
    # Under another name than "__main__", so that the file only defines things.
    names = runpy.run_path(str(path), run_name="__weft_explain__")
    if name not in names:
        from weft.errors import did_you_mean

        raise UsageError(
            f"explain: {file_name} defines no {name!r}.{did_you_mean(name, names)}"
        )
    import weft

    report = weft.explain(names[name], *specs, measure=options.measure)
    print(report)
    if options.graph:
        print(f"\n{report.graph_text}")
    if options.html:
        report.to_html(options.html)
        print(f"\nwritten: {options.html}")
    return 0


def _spec(word: str) -> Any:
    """`f32[2,3]` or `float32[2,3]` as a TensorSpec."""
    from weft.dtypes import ALL
    from weft.function import TensorSpec

    dtype, bracket, rest = word.partition("[")
    short = {known.short: known for known in ALL.values()}
    known = ALL.get(dtype) or short.get(dtype)
    extents = [part.strip() for part in rest.rstrip("]").split(",") if part.strip()]
    well_formed = bracket and rest.endswith("]") and all(e.isdecimal() for e in extents)
    if known is None or not well_formed:
        raise UsageError(
            "explain: an argument is written as a dtype and a shape, such as "
            f"f32[128,784] or i32[]; received {word!r}"
        )
    return TensorSpec([int(extent) for extent in extents], known)


def _bench(options: argparse.Namespace) -> int:
    from weft import bench

    try:
        return bench.run(
            workloads=options.workload.split(",") if options.workload else None,
            peers=options.peers,
            interpreters=dict(_pairs(options.python)),
            rounds=options.rounds,
            quick=options.quick,
            json_path=options.json,
            picture_path=options.picture,
            only_list=options.list,
        )
    except ValueError as error:
        raise UsageError(f"bench: {error}") from None


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    for word in words:
        if "=" not in word:
            raise UsageError(f"bench: --python takes NAME=PATH; received {word!r}")
    return [tuple(word.split("=", 1)) for word in words]  # type: ignore[misc]


def _existing_file(command: str, name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    kind = "a folder" if path.is_dir() else "not there"
    raise UsageError(f"{command}: a Python file is needed; {name} is {kind}")
