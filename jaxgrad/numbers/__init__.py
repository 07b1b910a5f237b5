"""The number systems that a program can be run over, one a file."""
