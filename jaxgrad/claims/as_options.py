"""What is said of arguments of Python, in the words of a terminal: ``--budget`` for ``budget=``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from jaxgrad.gradients.outcome import GradientCheck, line_of

__all__ = ["as_options", "in_options", "of_check"]

# What is written otherwise than with two dashes before it.
_OPTIONS = {
    "special_points=False": "--no-special-points",
    "linear=False": "--no-linear",
    "exact=True": "--exact",
    "exact=False": "--no-exact",
    'modes=("rev",)': "--modes rev",
    "argnums=(0, 2)": "--argnums 0,2",
    "convert one with jnp.asarray(x, float)": "write one as 3.0, or as f32[3] to draw an array",
}
_NAMES = "argnums|budget|domain|dtypes|order|reference"
# With a number behind it, or nothing; what has code behind it, or is code, stays as it is.
_ARGUMENT = re.compile(
    rf"`[^`]*`|(?<![\w.])(?:{'|'.join(map(re.escape, _OPTIONS))}|({_NAMES})=(\d*)(?=[\s,;:.)]|$))"
)
# With what is wrong with it behind it: how the text of an error begins.
_REFUSED = re.compile(rf"(?:{_NAMES}|modes) (?:has|holds|is|names|returns)\b")


def as_options(text: str) -> str:
    """The same text with options in place of arguments of Python.

    Args:
        text: what a check says in words; code has to stand elsewhere.

    Example:
        >>> as_options("not reached in 5 CPU s: vmap; budget= gives more")
        'not reached in 5 CPU s: vmap; --budget gives more'
        >>> as_options("(domain=, argnums= or special_points=False keep to yours); pass order=1")
        '(--domain, --argnums or --no-special-points keep to yours); pass --order 1'
        >>> as_options("at `norm(x, order=2)`")
        'at `norm(x, order=2)`'
        >>> as_options('modes holds "bwd"')
        '--modes holds "bwd"'
    """
    refused = "--" if _REFUSED.match(text) else ""
    return refused + _ARGUMENT.sub(_as_option, text)


def _as_option(found: re.Match[str]) -> str:
    whole, name, number = found[0], found[1], found[2]
    return _OPTIONS.get(whole, whole) if name is None else f"--{name} {number}".rstrip()


# What may be one list of options, with one command before it.
_CLAUSE = re.compile(r"[^;:()]+")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def of_check(text: str, own: Collection[str]) -> str:
    """What a check says within another command: options that only ``jaxgrad check`` has name it.

    Args:
        text: what a check says in words; code has to stand elsewhere.
        own: the options of that other command.

    Example:
        >>> of_check("0.5 (domain=, argnums= or special_points=False keep to yours)", ["--exact"])
        '0.5 (jaxgrad check --domain, --argnums or --no-special-points keep to yours)'
        >>> of_check("nothing is known of the formula; exact=False asks for floats", ["--no-exact"])
        'nothing is known of the formula; --no-exact asks for floats'
    """

    def named(clause: re.Match[str]) -> str:
        foreign = (found for found in _OPTION.finditer(clause[0]) if found[0] not in own)
        first = next(foreign, None)
        if first is None:
            return clause[0]
        return f"{clause[0][: first.start()]}jaxgrad check {clause[0][first.start() :]}"

    return _CLAUSE.sub(named, as_options(text))


def in_options(found: GradientCheck) -> GradientCheck:
    """The same check in the words of a terminal; the code that it shows is Python.

    The rule that the function is a command names where it has its file as the folder has it.

    Args:
        found: a check.
    """
    itself = {line_of(rule.name, rule.where) for rule in found.rules if rule.is_itself}
    said = [line for line in found.evidence.text.split("\n") if line not in itself]
    evidence = replace(found.evidence, text=as_options("\n".join(said)))
    leaves = tuple(replace(leaf, text=as_options(leaf.text)) for leaf in found.leaves)
    rules = tuple(replace(rule, text=as_options(rule.text)) for rule in found.rules)
    return replace(found, evidence=evidence, leaves=leaves, rules=rules)
