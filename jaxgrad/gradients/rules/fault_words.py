"""What JAX says of a malformed rule, in fewer words and by the names of the arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jaxgrad.programs.jax_errors import fits_no_call

__all__ = ["in_words", "kind_of", "of_dtypes"]


def kind_of(text: str) -> str:
    """What JAX's message is about; "" where it is no rule.

    Of a rule with other parameters Python says it, and names them.

    Example:
        >>> kind_of("Custom VJP bwd rule must …"), kind_of("sine_bwd() takes 1 positional argument")
        ('VJP bwd', 'sine_bwd() takes 1 positional argument')
    """
    found = re.match(r"Custom (JVP|VJP fwd|VJP bwd dtype|VJP bwd)", text)
    return found[1] if found else text if fits_no_call(text) else ""


def of_dtypes(given: str, wanted: str, number: int) -> str:
    """What is said of a cotangent of another dtype, in the manner of JAX, which lets it pass.

    Args:
        given, wanted: its type, and that of the argument.
        number: which argument.

    Example:
        >>> in_words(of_dtypes("float16[2]", "float32[2]", 0), ["x"])
        'bwd returns float16[2] for x, which is float32[2]'
    """
    return (
        f"Custom VJP bwd dtype: at output[{number}] the bwd rule produced an output of type "
        f"{given} corresponding to an input of type {wanted}"
    )


_TREES = re.compile(r"bwd output structure PyTreeDef\((.*)\) for primal input structure PyTreeDef")
_INPUTS = re.compile(r"for primal input structure PyTreeDef\((.*)\)")
_TYPE = re.compile(r"at output\[(\d+)\](\S*) the bwd rule produced an output of type (\w+\[.*?\]) ")
_OF_INPUT = re.compile(r"corresponding to an input of type (\w+\[.*?\])")
_TANGENT = re.compile(r"Expected (\w+\[.*?\]).* but got (\w+\[.*?\])")


def in_words(text: str, names: Sequence[str]) -> str:
    """What is wrong with a rule, by the names of the arguments.

    Example:
        >>> in_words("… but got bwd output structure PyTreeDef((*, *)) for primal input structure "
        ...           "PyTreeDef((*, *, *)).", ["x", "scale", "shift"])
        'bwd returns 2 cotangents for 3 arguments (x, scale, shift)'
        >>> in_words("… at output[1] the bwd rule produced an output of type float32[3,2] "
        ...           "corresponding to an input of type float32[2], so …", ["x", "b"])
        'bwd returns float32[3,2] for b, which is float32[2]'
    """
    if fits_no_call(text):
        return text
    types, wanted = _TYPE.search(text), _OF_INPUT.search(text)
    if types and wanted:
        number = int(types[1])
        name = names[number] if number < len(names) else f"argument {number}"
        return f"bwd returns {types[3]} for {name}{types[2]}, which is {wanted[1]}"
    trees, inputs = _TREES.search(text), _INPUTS.search(text)
    if trees and inputs:
        return _trees_in_words(_parts(trees[1]), _parts(inputs[1]) or [], names)
    if tangent := _TANGENT.search(text):
        return f"its tangent is {tangent[2]}, and has to be {tangent[1]}"
    kind = kind_of(text)
    what = {"VJP fwd": "fwd returns", "VJP bwd": "bwd returns"}.get(kind, "it returns")
    return f"{what} the wrong structure"


def _trees_in_words(given: list[str] | None, wanted: list[str], names: Sequence[str]) -> str:
    """How the tuple of cotangents differs from that of the arguments."""
    named = f" ({', '.join(names)})" if len(names) == len(wanted) else ""
    meant = f"{_counted(len(wanted), 'argument')}{named}"
    if given is None:
        return f"bwd returns no tuple for {meant}"
    if len(given) != len(wanted):
        return f"bwd returns {_counted(len(given), 'cotangent')} for {meant}"
    odd = [k for k, pair in enumerate(zip(given, wanted, strict=True)) if len({*pair}) > 1]
    which = [names[k] if named else f"argument {k}" for k in odd]
    return f"bwd returns another tree for {', '.join(which)} than that is"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _parts(tree: str) -> list[str] | None:
    """The parts of a tuple as JAX writes it; None of anything else.

    Example:
        >>> _parts("(*, {'w': (*, *)})"), _parts("(*,)"), _parts("()"), _parts("*")
        (['*', "{'w': (*, *)}"], ['*'], [], None)
    """
    if not (tree.startswith("(") and tree.endswith(")")):
        return None
    parts, depth = [""], 0
    for sign in tree[1:-1]:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]
