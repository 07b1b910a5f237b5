"""Runs a program over numbers: the walker, one rule for each primitive, NumPy code."""
