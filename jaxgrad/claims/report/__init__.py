"""How results are shown: a table for people, one object for programs."""
