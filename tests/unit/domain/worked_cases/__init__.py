"""Worked cases: what a policy does, told so that a finance person can check it. The tables are the YAML files beside this one."""
