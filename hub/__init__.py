"""The hub: estates, tenancies, who may pass, what happened, what it suggests. Holds no driver."""
