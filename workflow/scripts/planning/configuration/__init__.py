"""Read, validate and complete a configuration.

The schema (``workflow/schemas/config.schema.yaml``) defines the keys, what they may hold and their defaults;
:mod:`planning.checks` checks what a schema cannot express. Every problem becomes one line: file, line, key, value,
what is allowed.
"""
