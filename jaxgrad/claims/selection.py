"""Choosing claims by words joined with ``and``, ``or``, ``not`` and parentheses.

A word is looked for, upper and lower case alike, in a claim's id, name, statement and module: by
these alone it is known, before anything runs, which claims are run. The names of a claim's parts
are known only by running it, so beside a word that the claim carries every other word is *unknown*
(``E1 and tanh``); where the claim carries no word of the expression, all of them are false. With 0
for false, ½ for unknown and 1 for true, ``and`` is the minimum, ``or`` the maximum and ``not x`` is
1 - x (Kleene's logic); a claim is run unless its value is 0, and then each part is judged alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from jaxgrad.claims.claim import Claim, Declaration
from jaxgrad.errors import ArgumentError

__all__ = ["Selection"]

_Lookup = Callable[[str], float]
_Expression = Callable[[_Lookup], float]
_FALSE, _UNKNOWN, _TRUE = 0.0, 0.5, 1.0

_TOKEN = re.compile(r'[()]|"[^"]*"|[^\s()"]+')


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
        parser = _Parser(expression)
        self._evaluate = parser.parse()
        self._words = parser.words

    def may_match(self, claim: Claim | Declaration) -> bool:
        """Whether the claim has to be run, since it or one of its parts is selected."""
        text = _text(claim)
        other = _UNKNOWN if any(word in text for word in self._words) else _FALSE
        return self._evaluate(lambda word: _TRUE if word in text else other) > _FALSE

    def keeps(self, claim: Claim | Declaration, part: str) -> bool:
        """Whether a part of a claim is selected."""
        text = f"{_text(claim)}\n{part.casefold()}"
        return self._evaluate(lambda word: float(word in text)) == _TRUE


def _text(claim: Claim | Declaration) -> str:
    return "\n".join((claim.id, claim.name, claim.statement, claim.path.stem)).casefold()


class _Parser:
    """either = both {or both};  both = factor {and factor};  factor = not factor | ( ) | word."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = _TOKEN.findall(expression)
        self.words: list[str] = []
        if re.sub(r"\s", "", _TOKEN.sub("", expression)):
            self.fail("a double quote is not closed")

    def fail(self, what: str) -> NoReturn:
        raise ArgumentError(f"-k {self.expression!r}: {what}")

    def parse(self) -> _Expression:
        if not self.tokens:
            return lambda _: _TRUE
        result = self.either()
        if self.tokens:
            self.fail(f"'and' or 'or' is missing before {self.tokens[0]}")
        return result

    def accept(self, token: str) -> bool:
        found = self.tokens[:1] == [token]
        if found:
            self.tokens.pop(0)
        return found

    def either(self) -> _Expression:
        terms = [self.both()]
        while self.accept("or"):
            terms.append(self.both())
        return lambda lookup: max(term(lookup) for term in terms)

    def both(self) -> _Expression:
        factors = [self.factor()]
        while self.accept("and"):
            factors.append(self.factor())
        return lambda lookup: min(factor(lookup) for factor in factors)

    def factor(self) -> _Expression:
        if self.accept("not"):
            inner = self.factor()
            return lambda lookup: 1 - inner(lookup)
        if self.accept("("):
            inner = self.either()
            if not self.accept(")"):
                self.fail("a parenthesis is not closed")
            return inner
        return self.word()

    def word(self) -> _Expression:
        if not self.tokens:
            self.fail("a word is missing at the end")
        token = self.tokens.pop(0)
        if token in (")", "and", "or"):
            self.fail(f"a word is missing before {token}")
        word = token.strip('"').casefold()
        if not word:
            self.fail("a phrase in quotes is empty")
        self.words.append(word)
        return lambda lookup: lookup(word)
