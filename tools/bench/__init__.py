"""`make bench`: every performance claim as a ratio measured in one run, printed and written to build/bench.json."""
