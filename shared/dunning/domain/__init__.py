"""Pure rules of dunning: standard library only, no clock, no environment, no AWS."""
