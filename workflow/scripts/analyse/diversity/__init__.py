"""Lexical diversity of a text beside the human text of the same segments, at equal numbers of tokens."""
