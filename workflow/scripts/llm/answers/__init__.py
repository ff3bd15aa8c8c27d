"""What an answer is: a translation, a score, or one of the ways in which it is neither."""
