"""What could be seen of a dwelling, what that suggests, and under which thresholds: a lead with evidence, never a verdict."""
