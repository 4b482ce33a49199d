"""Places, edges and devices: what stands where, what hangs on which edge, what could be observed."""
