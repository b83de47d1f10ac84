"""`dunning simulate`: who would get what, and when, over the next days, by the product's own rules and without sending."""
