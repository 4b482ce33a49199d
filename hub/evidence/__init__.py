"""The evidence pack of a case: for people a PDF/A, for machines a signed bundle, both provable off-line."""
