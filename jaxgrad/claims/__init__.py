"""Statements with their evidence: found, chosen, run and reported."""
