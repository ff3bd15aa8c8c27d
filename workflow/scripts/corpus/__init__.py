"""The corpus stage: where the human text comes from, how it is cleaned and how it is split."""
