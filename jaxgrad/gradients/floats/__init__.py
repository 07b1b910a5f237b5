"""Does a compiled program compute what its formula says?  One allowance, for both entries."""
