"""The floor below all stages: command line, files, tables, text and random order."""
