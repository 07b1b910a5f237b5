"""Every primitive rule, on its examples: balls, polynomials and JAX agree."""

from __future__ import annotations

from rule_examples import EFFECTS, EXAMPLES, LINEAR_ALGEBRA, ORDER, WINDOWS
from rule_support import rule_tests

# Those that have files of their own are not run twice.
ELSEWHERE = LINEAR_ALGEBRA | WINDOWS | ORDER | EFFECTS

(
    test_the_value_is_jaxs_own,
    test_every_entry_is_compared_where_nothing_ties,
    test_the_gradient_is_jaxs_own,
) = rule_tests({name: example for name, example in EXAMPLES.items() if name not in ELSEWHERE})
