"""Where a dead letter says why it is one."""

WHY = ("reason", "ErrorMessage", "ERROR_MESSAGE", "ERROR_CODE")
"""The message attribute: ours, Lambda's for what a destination gets, EventBridge's for an event that it could not
deliver (Amazon EventBridge User Guide, "Using dead-letter queues to process undelivered events")."""
