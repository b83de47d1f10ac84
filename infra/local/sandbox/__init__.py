"""The providers' sandboxes: what Stripe (later QuickBooks and Xero) would answer, over real HTTP on 127.0.0.1."""
