"""Statements, in which words stand beside formulas of Unicode, with MathML for the formulas.

Which signs there are and in which order is never changed. Of structure only what is written
without doubt is typeset: the scripts of ``_`` and ``^`` and of Unicode, primes, and roots. A
quotient stays on its line, and what is not surely a formula stays text: a lone ``a`` may be an
article, and brackets that do not close may be those of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from jaxgrad.claims.report.characters import clean
from jaxgrad.claims.report.page.elements import Content, Element
from jaxgrad.claims.report.page.formulas import (
    BARS,
    CLOSE,
    NAMES,
    OPEN,
    OPERATORS,
    RELATION,
    RELATIONS,
    SPACED,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    NoFormula,
    Token,
    is_pair,
    is_relation,
    mathml,
)

__all__ = ["typeset"]

# Two letters are a product of two variables in a bracket of a formula; these are words there, too.
_WORDS = frozenset(
    ["am", "an", "as", "at", "be", "by", "do", "go", "if", "in", "is", "it", "no", "of", "on", "or",
     "so", "to", "up", "us", "we"]
)  # fmt: skip
_ARTICLES = ("a", "A", "I")
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


def typeset(text: str) -> list[Content]:
    """The text as pieces, those that are formulas as elements ``math``.

    Args:
        text: such as the statement of a claim.

    Example:
        >>> from jaxgrad.claims.report.page.elements import text_of
        >>> [x if isinstance(x, str) else text_of(x) for x in typeset("σ'(z) <= 1/4 for every z")]
        ['', 'σ′(z)≤1/4', ' for every ', 'z', '']
    """
    tokens = [Token(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(clean(text))]
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


def _runs(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], bool]]:
    """Runs of what may be a formula by turns with what is text, spaces around them in the text."""
    run: list[Token] = []
    depth, called = 0, False
    for k, token in enumerate(tokens):
        if _is_mathematical(token, tokens, k, depth):
            depth += (token.text in OPEN) - (token.text in CLOSE)
            run.append(token)
            continue
        yield from [(run, True)] if called and run else _trimmed(run)
        yield [token], True
        # A bracket behind a word holds the arguments of a call in code, or is its plural.
        called = k + 1 < len(tokens) and tokens[k + 1].text in OPEN
        run, depth = [], 0
    yield from [(run, True)] if called and run else _trimmed(run)


def _is_mathematical(token: Token, tokens: Sequence[Token], k: int, depth: int) -> bool:
    if token.kind in ("space", "number", "relation", "letter"):
        return True
    if token.kind == "word":
        two = len(token.text) == 2 and token.text.isalpha() and token.text.islower()
        product = two and depth > 0 and token.text not in _WORDS
        by = two and token.text[0] == "d" and k > 0 and tokens[k - 1].text == "/"
        return token.text in NAMES or product or by
    if token.text == ",":  # between arguments, not between clauses
        return depth > 0
    if token.text in "'’":  # a prime stands behind a name, and no word goes on behind it
        before = tokens[k - 1] if k else None
        after = tokens[k + 1].kind if k + 1 < len(tokens) else "space"
        named = before is not None and (before.kind == "letter" or before.text in NAMES)
        return named and after not in ("word", "letter")
    known = RELATIONS + OPERATORS + OPEN + CLOSE + BARS + "′…∞√½¼¾_^%∅ℝℕ"
    return token.text in known or token.text in SUPERSCRIPTS or token.text in SUBSCRIPTS


def _trimmed(run: list[Token]) -> Iterator[tuple[list[Token], bool]]:
    """The run without spaces, and brackets of the sentence, at its ends."""
    start, end = 0, len(run)
    # In "x > 0 a function" the last letter belongs to the words that follow.
    if end > 3 and run[-1].kind == run[-3].kind == "space" and run[-2].text in _ARTICLES:
        end -= 2
    while start < end and (run[start].kind == "space" or _opens_alone(run[start:end])):
        start += 1
    while end > start and (run[end - 1].kind == "space" or _closes_alone(run[start:end])):
        end -= 1
    for part, plain in ((run[:start], True), (run[start:end], False), (run[end:], True)):
        if part:
            yield part, plain


def _opens_alone(run: Sequence[Token]) -> bool:
    return run[0].text in OPEN and not _balanced(run) and _balanced(run[1:])


def _closes_alone(run: Sequence[Token]) -> bool:
    return run[-1].text in CLOSE and not _balanced(run) and _balanced(run[:-1])


def _balanced(run: Sequence[Token]) -> bool:
    open_: list[str] = []
    for token in run:
        if token.kind == "sign" and token.text in OPEN:
            open_.append(token.text)
        elif token.kind == "sign" and token.text in CLOSE:
            closes = bool(open_) and is_pair(open_.pop(), token.text)
            if not closes:
                return False
    return not open_ and sum(token.text == "|" for token in run) % 2 == 0


def _formulas(run: list[Token]) -> list[Element] | None:
    """The run as formulas, of which each may stand on a line of its own; None if it may be none."""
    texts = [token.text for token in run if token.kind != "space"]
    kinds = {token.kind for token in run} - {"space"}
    signs = {token.text for token in run if token.kind == "sign"}
    lone = kinds <= {"sign", "relation"} and not signs & set("∞½¼¾∅ℝℕ")
    if not _balanced(run) or kinds == {"number"} or lone:
        return None
    if texts[0] in _ARTICLES and not _is_variable(run):
        return None
    if any(map(_may_be_article, range(1, len(run)), [run] * len(run))):
        return None
    stars = any(one.text == "*" == other.text for one, other in pairwise(run))
    dashes = kinds == {"number", "sign"} and signs <= set("-–")  # pages 3-4, 2026-01-31
    # What goes on in a word beside it, as 4cosh²u does, is no formula by itself.
    cut = texts[0] in SUPERSCRIPTS | SUBSCRIPTS or texts[-1] in "+-−–·×/" or is_relation(run[-1])
    if "!" in texts or stars or dashes or cut:
        return None
    try:
        return [mathml(piece) for piece in _pieces(run)]
    except NoFormula:
        return None


def _may_be_article(k: int, run: Sequence[Token]) -> bool:
    """Whether a letter within stands by itself between two things that no operator joins."""
    before, after = run[max(k - 2, 0) : k], run[k + 1 : k + 3]
    if run[k].text not in _ARTICLES or len(before) < 2 or len(after) < 2:
        return False
    apart = before[1].kind == after[0].kind == "space"
    return apart and not any(
        is_relation(token) or token.text in SPACED for token in (before[0], after[1])
    )


def _is_variable(run: Sequence[Token]) -> bool:
    """Whether the letter that a run begins with is no article: something is done with it."""
    rest = [token for token in run[1:] if token.kind != "space"]
    if not rest or rest[0].text == "/":
        return False
    return run[1].text in "_^'′(" or rest[0].text in RELATIONS + "+-−·×" or rest[0].text in RELATION


# ----------------------------------------------------------------------------------------- pieces


def _pieces(run: Sequence[Token]) -> Iterator[list[Token]]:
    """Before each relation, and between factors where that is still long, outside of brackets."""
    if len(run) <= _LONGEST:
        yield list(run)
        return
    for side in _split(run, is_relation):
        if len(side) <= _LONGEST:
            yield side
        else:
            yield from _split(side, lambda token: token.kind == "space", least=_LONGEST // 2)


def _split(
    run: Sequence[Token], at: Callable[[Token], bool], least: int = 1
) -> Iterator[list[Token]]:
    piece: list[Token] = []
    depth, bars = 0, 0
    for k, token in enumerate(run):
        depth += (token.text in OPEN) - (token.text in CLOSE) if token.kind == "sign" else 0
        bars += token.text == "|"
        ends = depth == 0 and bars % 2 == 0 and at(token)
        operand = k == 0 or run[k - 1].text not in (*"_^√/∏∑Σ∂+-−·×", *RELATIONS, *RELATION)
        if ends and operand and len([t for t in piece if t.kind != "space"]) >= least:
            yield _stripped(piece)
            piece = []
        piece.append(token)
    if stripped := _stripped(piece):
        yield stripped


def _stripped(piece: list[Token]) -> list[Token]:
    while piece and piece[-1].kind == "space":
        piece = piece[:-1]
    while piece and piece[0].kind == "space":
        piece = piece[1:]
    return piece
