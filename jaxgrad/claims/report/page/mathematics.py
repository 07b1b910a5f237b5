"""Statements, in which words stand beside formulas of Unicode, with MathML for the formulas.

Which signs there are and in which order is never changed. Of structure only what is written
without doubt is typeset: the scripts of ``_`` and ``^`` and of Unicode, primes, and roots. A
quotient stays on its line, and what is not surely a formula stays text: a lone ``a`` may be an
article, and brackets that do not close may be those of a sentence.

Source: https://www.w3.org/TR/mathml-core/ and, of brackets in scripts, Unicode Technical Note 28.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from jaxgrad.claims.report.characters import clean
from jaxgrad.claims.report.page.elements import Content, element

__all__ = ["typeset"]

# What is set upright, as the name of one thing, among words that are none.
_NAMES = frozenset(
    ["arctan", "cos", "cosh", "det", "diag", "erf", "exp", "lim", "ln", "log", "max", "min", "mod",
     "ReL", "sin", "sinh", "softplus", "sup", "tan", "tanh"]
)  # fmt: skip
# Two letters are a product of two variables in a bracket of a formula; these are words there, too.
_WORDS = frozenset(
    ["am", "an", "as", "at", "be", "by", "do", "go", "if", "in", "is", "it", "no", "of", "on", "or",
     "so", "to", "up", "us", "we"]
)  # fmt: skip
_RELATIONS = "=<>≤≥≠≈≡∈→↦~⇔⇒"
_OPERATORS = "+-−–±·×/∏∑Σ∫∂∇⊙∘*!"
# Operators that are set with room on both sides, but for signs.
_SPACED = "+-−–±·×,"
_SIGNS = "+-−–±"
_OPEN, _CLOSE, _BARS = "([{", ")]}", "|‖"
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵏᵀᶻˣˡᴸ", "0123456789+−nkTzxlL", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₐⱼₖₗₙ", "0123456789+−ajkln", strict=True))
# A formula of more signs is set in pieces between which a line may end: as many as a phone is wide.
_LONGEST = 26

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?…?(?![\w.]*[A-Za-z]|-[A-Za-z]{2}))"
    r"|(?P<relation><=|>=|!=|==)"
    r"|(?P<word>[A-Za-z0-9]+(?:[-.][A-Za-z0-9]{2,}|_(?=\w*[A-Za-z])\w{2,})+|[A-Za-z]{2,}['’][a-z]+"
    r"|[A-Za-z0-9]*[A-Za-z]{2,}[A-Za-z0-9]*|[A-Za-z]+\d\w*|\d+-?[A-Za-z]\w*)"
    r"|(?P<letter>[^\W\d_])"
    r"|(?P<sign>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def typeset(text: str) -> list[Content]:
    """The text as pieces, those that are formulas as elements ``math``.

    Args:
        text: such as the statement of a claim.

    Example:
        >>> from jaxgrad.claims.report.page.elements import text_of
        >>> [x if isinstance(x, str) else text_of(x) for x in typeset("σ'(z) <= 1/4 for every z")]
        ['', 'σ′(z)≤1/4', ' for every ', 'z', '']
    """
    tokens = [_Token(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(clean(text))]
    pieces: list[Content] = [""]
    for run, plain in _runs(tokens):
        made = None if plain else _formulas(run)
        if made is None:
            pieces[-1] = f"{pieces[-1]}{''.join(token.text for token in run)}"
            continue
        for k, formula in enumerate(made):
            pieces += [" " if k else None, formula]
        pieces.append("")
    return [piece for piece in pieces if piece is not None]


# ------------------------------------------------------------------------------------------- runs


def _runs(tokens: Sequence[_Token]) -> Iterator[tuple[list[_Token], bool]]:
    """Runs of what may be a formula by turns with what is text, spaces around them in the text."""
    run: list[_Token] = []
    depth, called = 0, False
    for k, token in enumerate(tokens):
        if _is_mathematical(token, tokens, k, depth):
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            run.append(token)
            continue
        yield from [(run, True)] if called and run else _trimmed(run)
        yield [token], True
        # A bracket behind a word holds the arguments of a call in code, or is its plural.
        called = k + 1 < len(tokens) and tokens[k + 1].text in _OPEN
        run, depth = [], 0
    yield from [(run, True)] if called and run else _trimmed(run)


def _is_mathematical(token: _Token, tokens: Sequence[_Token], k: int, depth: int) -> bool:
    if token.kind in ("space", "number", "relation", "letter"):
        return True
    if token.kind == "word":
        two = len(token.text) == 2 and token.text.isalpha() and token.text.islower()
        product = two and depth > 0 and token.text not in _WORDS
        by = two and token.text[0] == "d" and k > 0 and tokens[k - 1].text == "/"
        return token.text in _NAMES or product or by
    if token.text == ",":  # between arguments, not between clauses
        return depth > 0
    if token.text in "'’":  # a prime stands behind a name, and no word goes on behind it
        before = tokens[k - 1] if k else None
        after = tokens[k + 1].kind if k + 1 < len(tokens) else "space"
        named = before is not None and (before.kind == "letter" or before.text in _NAMES)
        return named and after not in ("word", "letter")
    known = _RELATIONS + _OPERATORS + _OPEN + _CLOSE + _BARS + "′…∞√½¼¾_^%∅ℝℕ"
    return token.text in known or token.text in _SUPERSCRIPTS or token.text in _SUBSCRIPTS


def _trimmed(run: list[_Token]) -> Iterator[tuple[list[_Token], bool]]:
    """The run without spaces, and brackets of the sentence, at its ends."""
    start, end = 0, len(run)
    while start < end and (run[start].kind == "space" or _opens_alone(run[start:end])):
        start += 1
    while end > start and (run[end - 1].kind == "space" or _closes_alone(run[start:end])):
        end -= 1
    for part, plain in ((run[:start], True), (run[start:end], False), (run[end:], True)):
        if part:
            yield part, plain


def _opens_alone(run: Sequence[_Token]) -> bool:
    return run[0].text in _OPEN and not _balanced(run) and _balanced(run[1:])


def _closes_alone(run: Sequence[_Token]) -> bool:
    return run[-1].text in _CLOSE and not _balanced(run) and _balanced(run[:-1])


def _balanced(run: Sequence[_Token]) -> bool:
    open_: list[str] = []
    for token in run:
        if token.kind == "sign" and token.text in _OPEN:
            open_.append(token.text)
        elif token.kind == "sign" and token.text in _CLOSE:
            closes = bool(open_) and _is_pair(open_.pop(), token.text)
            if not closes:
                return False
    return not open_ and sum(token.text == "|" for token in run) % 2 == 0


def _is_pair(opening: str, closing: str) -> bool:
    """Whether one closes the other; those of an interval need not be alike."""
    return (opening == "{") == (closing == "}")


def _formulas(run: list[_Token]) -> list[Element] | None:
    """The run as formulas, of which each may stand on a line of its own; None if it may be none."""
    texts = [token.text for token in run if token.kind != "space"]
    kinds = {token.kind for token in run} - {"space"}
    signs = {token.text for token in run if token.kind == "sign"}
    lone = kinds <= {"sign", "relation"} and not signs & set("∞½¼¾∅ℝℕ")
    if not _balanced(run) or kinds == {"number"} or lone:
        return None
    if texts[0] in ("a", "A", "I") and not _is_variable(run):
        return None
    stars = any(one.text == "*" == other.text for one, other in pairwise(run))
    if all(text in "+-−–/*%…,·×~" for text in texts) or "!" in texts or stars:
        return None
    try:
        return [_math(piece) for piece in _pieces(run)]
    except _NoFormula:
        return None


def _is_variable(run: Sequence[_Token]) -> bool:
    """Whether the letter that a run begins with is no article: something is done with it."""
    rest = [token for token in run[1:] if token.kind != "space"]
    if not rest or rest[0].text == "/":
        return False
    return (
        run[1].text in "_^'′(" or rest[0].text in _RELATIONS + "+-−·×" or rest[0].text in _RELATION
    )


# ----------------------------------------------------------------------------------------- pieces


def _pieces(run: Sequence[_Token]) -> Iterator[list[_Token]]:
    """Before each relation, and between factors where that is still long, outside of brackets."""
    if len(run) <= _LONGEST:
        yield list(run)
        return
    for side in _split(run, _is_relation):
        if len(side) <= _LONGEST:
            yield side
        else:
            yield from _split(side, lambda token: token.kind == "space", least=_LONGEST // 2)


def _split(
    run: Sequence[_Token], at: Callable[[_Token], bool], least: int = 1
) -> Iterator[list[_Token]]:
    piece: list[_Token] = []
    depth, bars = 0, 0
    for k, token in enumerate(run):
        depth += (token.text in _OPEN) - (token.text in _CLOSE) if token.kind == "sign" else 0
        bars += token.text == "|"
        ends = depth == 0 and bars % 2 == 0 and at(token)
        operand = k == 0 or run[k - 1].text not in (*"_^√/∏∑Σ∂+-−·×", *_RELATIONS, *_RELATION)
        if ends and operand and len([t for t in piece if t.kind != "space"]) >= least:
            yield _stripped(piece)
            piece = []
        piece.append(token)
    if stripped := _stripped(piece):
        yield stripped


def _is_relation(token: _Token) -> bool:
    return token.kind == "relation" or (token.kind == "sign" and token.text in _RELATIONS)


def _stripped(piece: list[_Token]) -> list[_Token]:
    while piece and piece[-1].kind == "space":
        piece = piece[:-1]
    while piece and piece[0].kind == "space":
        piece = piece[1:]
    return piece


# ----------------------------------------------------------------------------------------- MathML


class _NoFormula(Exception):
    """What was read is no formula after all."""


_RELATION = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}
_SHAPES = {"-": "−", "–": "−", "'": "′", "’": "′"}


def _math(piece: Sequence[_Token]) -> Element:
    reader = _Reader(piece)
    row = reader.row()
    if reader.left:
        raise _NoFormula
    if row and _is_relation(piece[0]):  # the space before it is that of the text
        row[0].set("lspace", "0")
    return element("math", *row)


class _Reader:
    """Reads a formula from left to right, an atom with its scripts at a time."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def left(self) -> str:
        """The sign that comes next; nothing at the end."""
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def row(self) -> list[Element]:
        """Atoms as far as a bracket that was not opened here."""
        found: list[Element] = []
        while self.left and self.left not in _CLOSE:
            if self._is_room():
                self._take()
            else:
                found += self._scripted()
        return found

    def _is_room(self) -> bool:
        """A space beside an operator, which makes room of its own."""
        beside = self._tokens[max(self._at - 1, 0) : self._at + 2]
        operators = (_is_relation(token) or token.text in _SPACED for token in beside)
        return self.left.isspace() and any(operators)

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _scripted(self) -> list[Element]:
        """An atom, with what stands below and above it; a bracket is one with its inside."""
        atom = self._atom()
        below: list[Element] = []
        above: list[Element] = []
        while self.left:
            if self.left in "'’′":
                above.append(element("mo", _SHAPES.get(self._take().text, "′")))
            elif self.left in "_^":
                target = below if self._take().text == "_" else above
                target += self._script()
            elif self.left in _SUPERSCRIPTS:
                above.append(_atom_of(_SUPERSCRIPTS[self._take().text]))
            elif self.left in _SUBSCRIPTS:
                below.append(_atom_of(_SUBSCRIPTS[self._take().text]))
            else:
                break
        if not below and not above:
            return atom
        *before, base = atom
        rows = [element("mrow", *script) for script in (below, above) if script]
        tag = "msubsup" if below and above else "msub" if below else "msup"
        return [*before, element(tag, base, *rows)]

    def _script(self) -> list[Element]:
        """What follows ``_`` or ``^``: one sign, or a bracket.

        Round ones and braces only hold a script together, as in UnicodeMath, unless it is one sign
        that needs no holding: f^(k) is the k-th derivative.
        """
        if not self.left:
            raise _NoFormula
        if self.left in "({":
            opening, *inside, closing = self._atom()
            return inside if len(inside) > 1 else [opening, *inside, closing]
        sign = [element("mo", "−")] if self.left in "-−" and self._take() else []
        if not self.left or self.left.isspace():
            raise _NoFormula
        return [*sign, *self._atom()]

    def _atom(self) -> list[Element]:
        token = self._take()
        if token.kind == "space":
            return [element("mspace", width="0.22em")]
        if token.text == "√":
            return [self._root()]
        if token.kind == "sign" and token.text in _OPEN:
            inside = self.row()
            if not self.left or not _is_pair(token.text, self.left):
                raise _NoFormula
            return [_bracket(token.text), *inside, _bracket(self._take().text)]
        if token.text in "_^'’′":
            raise _NoFormula
        if token.kind == "word" and token.text not in _NAMES:
            return [element("mi", letter) for letter in token.text]
        if token.text in _SIGNS and self._begins():
            return [element("mo", _SHAPES.get(token.text, token.text), form="prefix")]
        return [_atom_of(token.text)]

    def _begins(self) -> bool:
        """Whether what was just taken comes first, or behind an operator, and so is a sign."""
        before = [t for t in self._tokens[: self._at - 1] if t.kind != "space"]
        return not before or _is_relation(before[-1]) or before[-1].text in _OPEN + _SPACED

    def _root(self) -> Element:
        if self.left == "(":
            _, *inside, _ = self._atom()
            return element("msqrt", *inside)
        if not self.left or not (self.left.isalnum() or self.left.isdigit()):
            raise _NoFormula
        return element("msqrt", *self._atom())


def _atom_of(text: str) -> Element:
    """A number, a name, a bar or an operator."""
    if text[0].isnumeric():
        return element("mn", text)
    if len(text) == 1 and text.isupper() and not text.isascii() and text != "Σ":
        return element("mi", text, mathvariant="normal")
    if text.isalpha() and text not in ("Σ",) and text not in _OPERATORS:
        return element("mi", text)
    if text in _BARS:
        return _bracket(text)
    if text in ("∞", "…", "ℝ", "ℕ", "∅"):
        return element("mi", text, mathvariant="normal")
    shown = _RELATION.get(text) or _SHAPES.get(text, text)
    if shown in ("/", "∂", "∇"):  # no room around them: the quotient stays one thing
        return element("mo", shown, lspace="0", rspace="0")
    if shown in ("Σ", "∑", "∏"):
        return element("mo", shown, largeop="false", movablelimits="false", lspace="0.1em",
                       rspace="0.15em")  # fmt: skip
    return element("mo", shown)


def _bracket(text: str) -> Element:
    return element("mo", text, stretchy="false", lspace="0", rspace="0")
