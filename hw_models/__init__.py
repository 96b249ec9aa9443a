"""Hardware blocks: a folder each, with its parameters, its tables, its timing model and its RTL twin."""
