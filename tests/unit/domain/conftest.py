from hypothesis import settings

# How fast a rule is judged elsewhere; on a busy machine a deadline says nothing of the rule.
settings.register_profile("rules", deadline=None)
settings.load_profile("rules")
