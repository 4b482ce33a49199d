"""Drivers for what hangs in an estate, the words they share with the hub, and the wire. Imports nothing else of ours."""
