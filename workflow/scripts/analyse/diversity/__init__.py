"""Lexical diversity of a text compared with the human text of the same segments, at equal numbers of words."""
