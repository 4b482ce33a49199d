"""The smaller rules of the catalogue: hints to look at, a question at most; nothing here reaches access."""
