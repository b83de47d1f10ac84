"""Where invoices come from: each provider verified, normalised and read."""
