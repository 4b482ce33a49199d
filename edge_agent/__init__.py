"""The edge agent: bridges an estate's devices to the hub, decides at doors without it, and loses nothing in between."""
