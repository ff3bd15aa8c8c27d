"""Errors of a text, with and without a reference: one small module per measure or family of measures.

docs/errors.md says what each measure is, where it comes from and what it cannot find.
"""
