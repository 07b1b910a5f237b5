"""What ``jaxgrad accuracy`` does: hold a compiled derivative against the true one everywhere."""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import print_error, printed
from jaxgrad.claims.option_types import add_json, add_keep, add_timeout, positive
from jaxgrad.claims.refusals import refusing
from jaxgrad.claims.timeout import ending_after
from jaxgrad.claims.written_files import require_writable, written
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict

__all__ = ["accuracy"]


def accuracy(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Count the right bits of a derivative at every float of a dtype, against the true one.

    jaxgrad accuracy jax.nn:sigmoid --dtype float16
    jaxgrad accuracy package.module:f --derivative package.module:by_hand --dtype float32
    """
    parser.add_argument(
        "function", metavar="MODULE:FUNCTION", help="not its derivative, e.g. jax.nn:sigmoid"
    )
    parser.add_argument("--dtype", required=True, help="e.g. float16, bfloat16, float32")
    parser.add_argument(
        "--derivative",
        metavar="MODULE:FUNCTION",
        help="what is measured (default: jax.grad of the function)",
    )
    parser.add_argument(
        "--bits",
        type=positive(int),
        metavar="N",
        help="fail unless N bits or more are right at every float",
    )
    parser.add_argument(
        "--picture", metavar="FILE", help="draw the right bits by exponent, as SVG, into this file"
    )
    add_keep(parser)
    add_json(parser)
    add_timeout(parser, "the measurement")
    return _run


def _run(options: argparse.Namespace) -> int:
    """Measures, prints what was found, and returns the exit code."""
    function = named("MODULE:FUNCTION", options.function)
    derivative = options.derivative and named("--derivative", options.derivative)
    if options.picture:
        require_writable(options.picture, Path(options.picture))
    sys.path.append(str(Path.cwd()))  # for what these import when they are called
    from jaxgrad.claims.swept_dtype import swept_dtype
    from jaxgrad.gradients.accuracy.accuracy import accuracy

    dtype = swept_dtype(options.dtype)
    _require_bits(options.bits, dtype)
    whose = f"{options.function}, or its derivative,"
    meant = "each takes one float, an array of shape (), and returns one"
    with (
        refusing(options.function, whose, meant),
        ending_after(options.timeout, functools.partial(_given_up, options)),
    ):
        kept = {"keep": options.keep, "part": options.part}
        found = accuracy(function, dtype, derivative=derivative, **kept)
    if options.picture:
        _write_picture(options.picture, found)
    return _said(options, found)


def _require_bits(bits: int | None, dtype: Any) -> None:
    """Refuses more bits than a dtype has, before anything is measured."""
    import ml_dtypes

    most = int(ml_dtypes.finfo(dtype).nmant) + 1
    if bits is not None and bits > most:
        raise ArgumentError(
            f"--bits {bits}: a {dtype.name} has {most}; give an integer from 1 to {most}"
        )


def _said(options: argparse.Namespace, found: Any) -> int:
    claimed = None if options.bits is None else found.at_least(options.bits)
    if options.json:
        printed()
        print(json.dumps(_object(options, found, claimed), indent=1))
    else:
        if claimed is not None:
            print(f"{claimed.verdict}: {options.function}: {claimed.text}")
        print(f"derivative of {options.function}, {found}")
    if claimed is None or claimed.verdict.passes:
        return Exit.ALL_EXPECTED
    undecided = claimed.verdict is Verdict.UNDECIDED
    return Exit.UNDECIDED if undecided else Exit.NOT_EXPECTED


def _object(options: argparse.Namespace, found: Any, claimed: Any) -> dict[str, Any]:
    """What ``--json`` prints; floats are texts, for JSON has no infinity."""
    from jaxgrad.claims.report.json_report import versions

    worst = found.worst
    return {
        "function": options.function,
        "derivative": options.derivative or "jax.grad",
        "dtype": found.dtype.name,
        **({} if claimed is None else claimed.to_dict()),
        "bits": found.bits,
        "judged": found.judged,
        "right": list(found.right),
        "binades": [
            {"negative": b.negative, "exponent": b.exponent, "right": list(b.right)}
            for b in found.binades
        ],
        "zeros": _places(found.zeros),
        "overflows": _places(found.overflows),
        "nans": _places(found.nans),
        "worst": None
        if worst is None
        else {
            **_float(worst.x),
            "returned": str(float(worst.y)),
            "truth": list(worst.truth),
            "right": worst.right,
            "code": worst.code,
        },
        "without_value": found.without_value,
        "without_derivative": found.without_derivative,
        "infinite": found.infinite,
        "open": found.open,
        "versions": versions(),
    }


def _places(count: Any) -> dict[str, Any]:
    """How many floats there are, and the one nearest to 0 on each side."""
    ends = {"negative": count.negative.last, "positive": count.positive.first}
    return {"count": count.total, **{k: None if x is None else _float(x) for k, x in ends.items()}}


def _float(x: Any) -> dict[str, str]:
    return {"value": str(float(x.value)), "bits": hex(x.bits)}


def _write_picture(path: str, found: Any) -> None:
    from jaxgrad.claims.pictures.right_bits import right_bits, standalone_svg

    if not found.judged:  # what is known is said all the same
        print(f"jaxgrad: --picture {path}: nothing is known of any float, so none is drawn",
              file=sys.stderr)  # fmt: skip
        return
    written(path, path, standalone_svg(right_bits(found), _light_colours()))


def _light_colours() -> dict[str, str]:
    """The colours of the page on a light ground: the first of each name in its style."""
    style = files("jaxgrad.claims.report.page").joinpath("style.css").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, colour in re.findall(r"--(\w+): (#[0-9a-f]{6})", style):
        found.setdefault(name, colour)
    return found


def _given_up(options: argparse.Namespace) -> None:
    """Says that it took too long, and how far it was."""
    from jaxgrad.numbers.progress import known_so_far

    for known in known_so_far():
        print(f"jaxgrad, given up: {known}", file=sys.stderr)
    error = f"{options.function} was not measured: it took longer than --timeout"
    error += f" {options.timeout:g}"
    print_error(options, error)
