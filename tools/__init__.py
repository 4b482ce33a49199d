"""Developer tools: set-up, where outside programs are, benches. Standard library only, except ``tools.bench``."""
