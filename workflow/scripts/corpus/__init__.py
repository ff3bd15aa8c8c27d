"""The corpus stage: fetch or read the human text, clean it and split it."""
