"""An outcome of a check of gradients that a test can assert."""

from __future__ import annotations

from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.verdict import Evidence, Outcome, Verdict

__all__ = ["AssertedOutcome"]


class AssertedOutcome(Outcome):
    """A verdict that can be asserted, and the counterexample of it.

    Args:
        verdict: the conclusion.
        evidence: what it rests on; its text says what is quantified over.
    """

    verdict: Verdict
    evidence: Evidence

    @property
    def counterexample(self) -> str | None:
        """Python that can be pasted and run, with the given functions in scope; or None."""
        return self.evidence.counterexample

    def assert_agrees(self) -> None:
        """Passes if the gradients agree, or are what was said of them.

        Raises:
            GradientMismatch: they are not; the message carries the counterexample.
            UndecidedError: it is not known, which never passes.

        Example:
            >>> import jax
            >>> from jaxgrad import compare, everywhere
            >>> compare(jax.numpy.cos, jax.grad(jax.numpy.sin), 0.5).assert_agrees()
            >>> slope = jax.grad(jax.numpy.sin)
            >>> everywhere(slope, (0.0,), (1.0,), between=("0.5", "1.1")).assert_agrees()
        """
        __tracebackhide__ = True
        if self.verdict is Verdict.REFUTED:
            raise GradientMismatch(str(self), self)
        if not self.verdict.passes:
            raise UndecidedError(str(self), self)
