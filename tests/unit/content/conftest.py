from hypothesis import settings

# How fast words are put together is judged elsewhere; on a busy machine a deadline says nothing of them.
settings.register_profile("content", deadline=None)
settings.load_profile("content")
