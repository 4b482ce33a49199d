"""The lease management and allocation system: what it is told, and what it decides and sends back."""
