"""The local cloud: template.yaml on one machine, in one process, in virtual time (DESIGN §8)."""
