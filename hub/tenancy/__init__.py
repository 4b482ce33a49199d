"""Tenancies: who lives where by the records of the lease system. From a source, through a brake, into the hub."""
