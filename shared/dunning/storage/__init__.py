"""DynamoDB and SQS: every key string, conditional writes, errors translated once."""
