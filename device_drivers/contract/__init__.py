"""The words and the wire shared by hub, edge and drivers. Pure: values only, no clock, no I/O."""
