"""The `mqtt/face` family of face-recognition terminals, spoken through the edge box's own broker."""
