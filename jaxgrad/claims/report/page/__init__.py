"""What pages of HTML are made of: elements, mathematics, blocks, and the style."""
