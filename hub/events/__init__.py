"""What happened: ingest, search, the live stream."""
