"""A number of a rule beside the truth, as the loops of the function are run on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from flint import arb

from jaxgrad.interpret.turns import half_as_many_more, many_more, one_more, two_more

__all__ = ["LITTLE", "LONGER", "Seen", "comes_near", "is_unsettled"]

# An iteration that has come to a tolerance t of its start leaves t of what is left in as many turns
# more, which is less than this of it where t is; so much of it a wrong number may be.
LEFT = 1 / 4
LONGER = (half_as_many_more, many_more)
# How far loops are run on where that returns no number, as of a secant method at its end.
LITTLE = (one_more, two_more)


class Seen(NamedTuple):
    """A number and the nearer side of the truth."""

    number: arb
    truth: arb

    @property
    def apart(self) -> arb:
        """How far they are apart at most."""
        return abs(self.number - self.truth).upper()


def is_unsettled(run: Sequence[Seen]) -> bool:
    """Whether the truth changes by as much as the number is off, as loops are run on that stay.

    A descent whose steps are accepted within a rounding goes about its minimum and never comes to
    it.  Its derivative is that of where it happens to be, while the number stays what it is.
    """
    numbers = [seen.number for seen in run]
    changes = [abs(x.truth - y.truth).lower() for x, y in itertools.combinations(run, 2)]
    most = max(changes, default=arb(0))
    stays = all(abs(number - numbers[0]) <= LEFT * most for number in numbers)
    little = bool(most <= LEFT * abs(run[0].truth))  # not so where more turns are another function
    return len(run) > 2 and stays and little and bool(run[0].apart <= most)


def comes_near(run: Sequence[Seen]) -> bool:
    """Whether the truth comes near to the number as loops are run on, or to where that leads.

    What changes by the same factor again and again leads to a limit that three of it tell, however
    little that is (Aitken's Δ² process); so does what is left as c/n after n turns.
    """
    *before, last = run
    first, truth = run[0]
    if not abs(last.number - first) <= max(abs(first).lower(), abs(truth).lower()) / 2:
        return False  # the loops of the rule dwindle as well, and their numbers mean nothing
    within = LEFT * max(seen.apart for seen in before)
    if last.apart <= within:
        return True
    changes = [after.truth - here.truth for here, after in itertools.pairwise(run)]
    if len(changes) < 2 or not abs(changes[1]) < abs(changes[0]):
        return False
    limits = [last.truth - changes[1] ** 2 / (changes[1] - changes[0])]
    # Of c/n after n, 3n/2 and 2n turns the second change is half of the first, and as much as both
    # together is left.
    if abs(2 * changes[1] - changes[0]) <= abs(changes[0]) * LEFT:
        limits.append(last.truth + sum(changes))
    return any(bool(abs(last.number - limit) <= within) for limit in limits)
