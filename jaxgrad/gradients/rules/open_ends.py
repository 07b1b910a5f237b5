"""Why a number that a rule gives for iterations is neither right nor wrong, as far as is seen."""

from __future__ import annotations

__all__ = [
    "BESIDE_A_TIE",
    "BETWEEN_FLOATS",
    "BETWEEN_JUMPS",
    "BEYOND",
    "EARLY",
    "NEARLY",
    "STEPS",
    "UNSETTLED",
]

BEYOND = (
    "past their end the loops of the function return no number, so that what they come near to is "
    "not known, whose derivative it may be; name it with reference="
)
EARLY = (
    "the loops of the function end at a tolerance before they have come to their solution, and the "
    "rule gives the derivative of what they come near to; at a smaller one it is judged"
)
NEARLY = (
    "run on, the loops of the function have the derivative that the rule gives, and where they end "
    "another one, though their value has come to half of its digits; more turns tell, or a smaller "
    "tolerance"
)
UNSETTLED = (
    "the loops of the function end at a tolerance, and as they are run on the derivative changes "
    "by as much as the rule is off, which gives the same number; at a smaller one it is judged"
)
BETWEEN_JUMPS = (
    "the loops of the function end at a tolerance, and between two of its jumps the derivative is "
    "not that of what they come near to; whether the rule is that is seen at a smaller one"
)
STEPS = (
    "the loops of the function jump from one number to the next, and the rule gives the slope of "
    "its secants, as far as these tell; at smaller jumps, which more turns give, it is judged"
)
BETWEEN_FLOATS = (
    "the rule gives the derivative between two jumps of the loops of the function, and secants "
    "over more of them show another slope; at smaller jumps, which more turns give, it is judged"
)
BESIDE_A_TIE = (
    "points beside a tie show derivatives between two jumps of the loops of the function, and the "
    "rule gives what is between these, and neither side; a little away from the tie it is judged"
)
