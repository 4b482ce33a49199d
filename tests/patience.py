"""How long a test waits for what must come.

On a busy machine seconds pass in which a process does nothing. A limit is for what never
comes: where all is well it costs nothing.
"""

PATIENCE_S = 120.0
