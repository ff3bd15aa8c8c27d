"""Why it costs that much: errors, lexical diversity and the detector."""
