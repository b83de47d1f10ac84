"""Policies and templates: what a company writes, loaded, checked and rendered."""
