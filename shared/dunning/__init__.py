"""Dunning: payment reminders that run themselves, on the customer's own AWS account."""
