"""A second city for back-tests: the state of every person on every day is drawn first (away, slept here, came by day), then
the passes that follow from it, then the meters. It shares no assumption in code with `simulators.city`: a detector that was
tuned on the one is judged on the other.

`generate.write_city` draws it and writes its history; `detection.md` section 3 says what it must contain.
"""
