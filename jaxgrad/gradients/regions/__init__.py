"""Statements about every point of a box, by subdivision over compiled intervals."""
