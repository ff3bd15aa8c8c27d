"""What the scripts of more than one stage share: command line, files, tables and text."""
