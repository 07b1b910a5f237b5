"""Choosing claims by words joined with ``and``, ``or``, ``not`` and parentheses.

A word is looked for, upper and lower case alike, in a claim's id, name, statement and module: by
these alone it is known, before anything runs, which claims are run. The names of a claim's parts
are known only by running it, so beside a word that the claim carries every other word is *unknown*
(``E1 and tanh``); where the claim carries no word of the expression, all of them are false. With 0
for false, ½ for unknown and 1 for true, ``and`` is the minimum, ``or`` the maximum and ``not x`` is
1 - x (Kleene's logic); a claim is run unless its value is 0, and then each part is judged alone.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable

from jaxgrad.claims.claim import Claim, Declaration
from jaxgrad.errors import ArgumentError

__all__ = ["Selection"]

_FALSE, _UNKNOWN, _TRUE = 0.0, 0.5, 1.0

_TOKEN = re.compile(r'[()]|"[^"]*"|[^\s()"]+|"')


class Selection:
    """The claims and parts that an expression selects.

    Args:
        expression: words, or phrases in double quotes, joined with ``and``, ``or``, ``not``, ``(
            )``; the empty expression selects everything.

    Raises:
        ArgumentError: the expression cannot be read.

    Example:
        >>> Selection("A5 and (")
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: -k 'A5 and (': a word is missing at the end
    """

    def __init__(self, expression: str) -> None:
        tokens = _TOKEN.findall(expression)
        problem = _problem(tokens) if tokens else ""
        self._words = [token.strip('"').casefold() for token in tokens if _is_word(token)]
        numbers = itertools.count()
        python = (f"w{next(numbers)}" if _is_word(token) else token for token in tokens)
        try:
            self._tree = ast.parse(" ".join(python) or "True", mode="eval").body
            self._value(lambda _: _FALSE)
        except SyntaxError as error:
            problem = problem or error.msg  # about parentheses, if the neighbours are as they are
        except (RecursionError, MemoryError):
            problem = problem or "it is nested too deeply"
        if problem:
            raise ArgumentError(f"-k {expression!r}: {problem}")

    def may_match(self, claim: Claim | Declaration) -> bool:
        """Whether the claim has to be run, since it or one of its parts is selected."""
        text = _text(claim)
        other = _UNKNOWN if any(word in text for word in self._words) else _FALSE
        return self._value(lambda word: _TRUE if word in text else other) > _FALSE

    def keeps(self, claim: Claim | Declaration, part: str) -> bool:
        """Whether a part of a claim is selected."""
        text = f"{_text(claim)}\n{part.casefold()}"
        return self._value(lambda word: float(word in text)) == _TRUE

    def _value(self, lookup: Callable[[str], float], node: ast.expr | None = None) -> float:
        match node or self._tree:
            case ast.Name(id=name):
                return lookup(self._words[int(name[1:])])
            case ast.UnaryOp(operand=inner):
                return 1 - self._value(lookup, inner)
            case ast.BoolOp(op=op, values=parts):
                choose = min if isinstance(op, ast.And) else max
                return choose(self._value(lookup, part) for part in parts)
        return _TRUE  # of the empty expression


def _text(claim: Claim | Declaration) -> str:
    return "\n".join((claim.id, claim.name, claim.statement, claim.path.stem)).casefold()


def _is_word(token: str) -> bool:
    return token not in ("and", "or", "not", "(", ")", "")


def _problem(tokens: list[str]) -> str:
    """What is wrong with a token or with two that are neighbours, or ""."""
    if '"' in tokens:
        return "a double quote is not closed"
    if '""' in tokens:
        return "a phrase in quotes is empty"
    for before, token in itertools.pairwise(["(", *tokens, ""]):
        wanted = before in ("(", "and", "or", "not")
        given = token in ("(", "not") or _is_word(token)
        if wanted and not given:
            return f"a word is missing {f'before {token}' if token else 'at the end'}"
        if given and not wanted:
            return f"'and' or 'or' is missing before {token}"
    return ""
