"""The points at which a program, or many a function, is special."""
