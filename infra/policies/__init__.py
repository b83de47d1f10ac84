"""Policies as a person meets them: read from files, checked, put into words."""
