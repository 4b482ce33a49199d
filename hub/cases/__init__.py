"""What people make of a lead. Nothing here removes or shortens anybody's access."""
