"""The command line: ``jaxgrad check``, ``prove``, ``sweep``, ``accuracy``, ``rules``,
``properties`` and ``coverage``.

A subcommand is one function: it takes its argument parser, declares its arguments and returns
what is to be run with them; its name is the subcommand's and its docstring the help. JAX and rich
are imported only when a subcommand runs, so that ``jaxgrad --help`` answers at once.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxgrad.claims import check_command, prove_command, rules_command, sweep_command
from jaxgrad.claims.accuracy_command import accuracy
from jaxgrad.claims.coverage import command as coverage_command
from jaxgrad.claims.exit_codes import Exit, exit_codes_of
from jaxgrad.claims.malformed import said_of_fault
from jaxgrad.claims.once_and_exit import Completion, Version
from jaxgrad.claims.option_types import (
    add_dtypes,
    add_json,
    add_keep,
    add_switch,
    add_timeout,
    arguments_of_rules,
    cores,
    listed,
    not_negative,
    positive,
)
from jaxgrad.claims.project_options import parsed
from jaxgrad.claims.properties_command import properties
from jaxgrad.claims.prove_command import exit_code
from jaxgrad.claims.run_command import run
from jaxgrad.errors import ArgumentError, MissingExtra

__all__ = ["command_parsers", "exit_code", "main"]

_Runner = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the arguments after the program's name; those of the process if None.

    Example:
        >>> main(["prove", "no/such/folder"])
        2
    """
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal has no Greek letters, \\u03c3 is better than no answer.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore
    try:
        code = _done(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except (ArgumentError, MissingExtra) as error:
        malformed = isinstance(error, ArgumentError) and error.fault is not None
        return _said(said_of_fault(error), Exit.NOT_EXPECTED if malformed else Exit.USAGE)
    except KeyboardInterrupt:
        return _said("interrupted", Exit.INTERRUPTED)
    except BrokenPipeError:
        prove_command.abandon_stdout()
        return Exit.BROKEN_PIPE
    except OSError as error:  # what is printed has no place: a full disk, an odd file
        prove_command.abandon_stdout()
        return _said(str(error), Exit.USAGE)


def _said(text: str, code: int) -> int:
    """The exit code, after a word about it, if there is a place for that."""
    try:
        print(f"jaxgrad: {text}", file=sys.stderr, flush=True)
    except OSError:
        prove_command.abandon(sys.stderr)
    return code


def _done(argv: Sequence[str]) -> int:
    parser, commands = command_parsers()
    if not argv:
        parser.print_help(sys.stderr)
        return Exit.USAGE
    try:
        options = parsed(parser, commands, argv)
    except SystemExit as stop:  # of --help, --version, or a message about the arguments
        return stop.code if isinstance(stop.code, int) else Exit.USAGE
    return run(options)


def command_parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole, and that of each command."""
    parser = argparse.ArgumentParser(
        prog="jaxgrad",
        description="Verify gradients: proofs and counterexamples, no tolerances.",
        epilog=exit_codes_of(None),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=Version, help="show the versions and exit")
    parser.add_argument(
        "--completion",
        action=Completion,
        metavar="SHELL",
        help="print what makes a shell complete this command, and exit: bash, zsh, tcsh, fish "
        "or powershell",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        text = inspect.cleandoc(command.__doc__ or "")
        child = commands.add_parser(
            command.__name__,
            help=text.splitlines()[0],
            description=text,
            epilog=exit_codes_of(command.__name__),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        child.set_defaults(run=command(child))
    return parser, dict(commands.choices)


# ------------------------------------------------------------------------------------------- check


def check(parser: argparse.ArgumentParser) -> _Runner:
    """Check the derivative rules of a function of yours, as jaxgrad.check_grads does.

        jaxgrad check package.module:loss 'f32[3, 4]' 'i32[]'
        jaxgrad check package.module:norm '{"w": f32[2], "b": 0.5}' axis=-1 --order 2
        jaxgrad check package.module:model @parameters.npz 'jnp.ones((8, 3))' --argnums 0

    Of f32[3, 4] an array of that dtype and shape is drawn: normal numbers, and integers of 0, 1
    and 2, the first of which is 1 and the last 0. A dtype is written as in a jaxpr (f16, bf16, f32,
    f64, c64, c128, i8 to i64, u8 to u64, bool), and key[] is a key of jax.random. Everything else
    is Python: 0.5, 'jnp.ones(3)', '(-1e-3)', or a dict, list or tuple of them. What is not floating
    point is held fixed, and so is a number of Python that is handed on by its name.
    """
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="e.g. package.module:loss")
    parser.add_argument(
        "args",
        nargs="*",
        metavar="ARGUMENT",
        help="a shape, a Python expression in which jax, jnp, np and the names of the module are "
        "known, @file.npy, @file.npz or @file.npz:NAME; NAME=ARGUMENT hands it on by its name",
    )
    parser.add_argument(
        "--order", type=positive(int), default=1, help="the highest derivative (default: 1)"
    )
    parser.add_argument(
        "--modes", type=listed(str), metavar="fwd,rev", help="one or both (default: both)"
    )
    parser.add_argument(
        "--argnums",
        type=listed(int),
        metavar="N,N",
        help="the parameters by which is differentiated, from 0 on; the others are held fixed",
    )
    add_dtypes(parser, "judge the compiled derivatives in these dtypes, too")
    parser.add_argument(
        "--reference",
        metavar="MODULE:FUNCTION",
        help="the function whose derivative the rules should be, if that is another one",
    )
    parser.add_argument(
        "--domain",
        metavar="MODULE:PREDICATE",
        help="a JAX function of the arguments: only points where it is true are drawn or looked at",
    )
    add_switch(parser, "--exact", "a formula that differs by less than rounding is wrong, too")
    add_switch(
        parser,
        "--special-points",
        "judge special points beside the given one (default: as the budget allows)",
        default=None,
    )
    parser.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="CPU seconds for all that follows the given point (default: 5; inf for no end)",
    )
    add_switch(
        parser,
        "--linear",
        "a rule has to be linear in its cotangent (default: yes, without a reference); "
        "--no-linear of one that clips",
        default=None,
    )
    parser.add_argument(
        "--seed", type=not_negative, default=0, help="of what is drawn (default: 0)"
    )
    add_json(parser)
    parser.add_argument("--html", metavar="FILE", help="write what comes of it as a page, too")
    add_timeout(parser, "the check")
    return check_command.check


# ------------------------------------------------------------------------------------------- prove


def prove(parser: argparse.ArgumentParser) -> _Runner:
    """Run the claims of proof modules and hold each verdict against the expected one."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders (default: proofs/)"
    )
    parser.add_argument(
        "-k",
        dest="expression",
        default="",
        metavar="EXPRESSION",
        help="run only what matches words joined with and, or, not, ( ), looked for in a claim's "
        "id, function, statement and module; beside such a word, others may name its parts; "
        "double quotes keep a phrase together",
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive(int),
        default=cores(),
        metavar="N",
        help="run N modules at a time, each in its own process (default: the number of cores)",
    )
    parser.add_argument(
        "--timeout",
        type=positive(float),
        metavar="SECONDS",
        help="give up a claim, or the import of a module, that takes longer (default: never)",
    )
    parser.add_argument(
        "-x",
        "--exitfirst",
        dest="first",
        action="store_true",
        help="end with the first claim that is not as expected",
    )
    parser.add_argument(
        "--last-failed",
        "--lf",
        action="store_true",
        help="run only what was not as expected, or had no result, when it was last run",
    )
    add_switch(
        parser,
        "--cache",
        "do not run a claim again that was as expected, unless its module, a file that it has "
        "read, a package or the machine has changed since (default: --cache)",
        default=True,
    )
    parser.add_argument(
        "--watch", action="store_true", help="run again whenever a file changes, until Ctrl-C"
    )
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML, too")
    parser.add_argument("--html", metavar="FILE", help="write the results as a page, too")
    parser.add_argument("-v", "--verbose", action="store_true", help="every part, in full")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument(
        "--json",
        dest="report",
        action="store_const",
        const="jaxgrad.claims.report.json_report:render",
        help="print one JSON object, no table",
    )
    printed.add_argument(
        "--report",
        metavar="MODULE:FUNCTION",
        help="print what a function of yours makes of the results and the seconds, no table",
    )
    parser.add_argument("--list", action="store_true", help="list the claims, do not run them")
    printed.add_argument("--new", metavar="NAME", help="write a proof module to begin with")
    return _prove


def _prove(options: argparse.Namespace) -> int:
    if options.new and options.list:
        raise ArgumentError("--new writes a module, and --list lists claims; leave one of them out")
    return _new(options) if options.new else prove_command.prove(options)


def _new(options: argparse.Namespace) -> int:
    from jaxgrad.claims.proof_template import write

    if len(options.paths) > 1:
        raise ArgumentError("--new writes into one folder; name one, or none for proofs/")
    path = write(options.new, Path(*options.paths or ["proofs"]))
    print(f"{path.as_posix()} is written; run it with: jaxgrad prove {path.as_posix()}")
    return Exit.ALL_EXPECTED


# ------------------------------------------------------------------------------------------- sweep


def sweep(parser: argparse.ArgumentParser) -> _Runner:
    """Evaluate a function on every float of a dtype and check a predicate of each value."""
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="e.g. jax.nn:sigmoid")
    parser.add_argument("--dtype", required=True, help="e.g. float16, bfloat16, float32")
    parser.add_argument(
        "--holds",
        required=True,
        metavar="MODULE:PREDICATE",
        help="what must hold of each float: a function of two arrays, x and y = f(x)",
    )
    add_keep(parser)
    add_json(parser)
    add_timeout(parser, "the sweep", "3, or 1 where it had found a float that fails")
    return sweep_command.sweep


# ------------------------------------------------------------------------------------------- rules


def rules(parser: argparse.ArgumentParser) -> _Runner:
    """Find the custom derivative rules of an installed package, and say how to check each.

    Every module of the package but its tests is imported. A rule that is a name of a module can be
    checked by that name, at arguments of the shapes that are tried and shown; of one that is made
    inside of another function the place is shown.

        jaxgrad rules optax
        jaxgrad rules my_package.kernels --check
        jaxgrad rules my_package --check --skip my_package.losses:huber,my_package.legacy
        jaxgrad rules my_package --check --arguments '{"my_package:norm": ["f32[3, 4]", "axis=0"]}'

    What a package always leaves out, or has arguments for, stands in its pyproject.toml:

        [tool.jaxgrad.rules]
        skip = ["my_package.losses:huber", "my_package.legacy"]
        arguments = {"my_package:norm" = ["f32[3, 4]", "axis=0"]}
    """
    parser.add_argument("package", metavar="PACKAGE", help="a package or module, e.g. optax")
    parser.add_argument("--check", action="store_true", help="check those that can be, too")
    parser.add_argument(
        "--skip",
        type=listed(str),
        default=(),
        metavar="NAME,NAME",
        help="rules (MODULE:FUNCTION) and modules (MODULE) that are left out",
    )
    parser.add_argument(
        "--arguments",
        type=arguments_of_rules,
        default={},
        metavar="JSON",
        help="at which rules are checked: an object of MODULE:FUNCTION with a list of arguments, "
        "each as jaxgrad check takes it",
    )
    add_timeout(parser, "the import of a module, or the check of a rule,")
    add_json(parser)
    return rules_command.rules


# ---------------------------------------------------------------------------------------- coverage


def coverage(parser: argparse.ArgumentParser) -> _Runner:
    """Say what each number system can run: of JAX's functions, or of one of your own.

    Of JAX's functions a page is written, with what was held against JAX's own results. Of your own
    it shows each primitive with its rule, the custom rules, where each number system stops, and
    what has no rule, so that a check is UNDECIDED:

        jaxgrad coverage jax.numpy.sin jax.lax.sort
        jaxgrad coverage package.module:loss --args 'jnp.ones(3), 0.5'
    """
    parser.add_argument(
        "functions",
        nargs="*",
        metavar="FUNCTION",
        help="e.g. jax.numpy.sin (default: all of JAX's that are looked at), or one of your own, "
        "MODULE:FUNCTION",
    )
    parser.add_argument(
        "--args",
        metavar="EXPRESSION",
        help="the arguments of a function of your own, in Python, e.g. 'jnp.ones(3), 0.5'; jax, "
        "jnp, np and the names of its module are known, and a tuple is several arguments",
    )
    parser.add_argument(
        "--budget",
        type=positive(float),
        default=60.0,
        metavar="SECONDS",
        help="CPU seconds for each program of a function of your own over each number system "
        "(default: 60)",
    )
    add_json(parser)
    page = parser.add_mutually_exclusive_group()
    page.add_argument("--output", metavar="FILE", help="write the page there, not to stdout")
    page.add_argument(
        "--check", metavar="FILE", help="fail where that page is not what would be written now"
    )
    return coverage_command.coverage


_COMMANDS = (check, prove, sweep, accuracy, rules, properties, coverage)
