"""A whole city of public rental homes, a year of passes and meter days with the true label, for back-tests."""
