"""Access: who may pass where because of which tenancy, and the list each device should hold."""
