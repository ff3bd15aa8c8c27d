"""What is in the text: who wrote it, its errors, its lexical diversity."""
