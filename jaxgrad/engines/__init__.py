"""The procedures that decide whether two sides agree, one a file."""
