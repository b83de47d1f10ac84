"""One use case per file. AWS, providers, channels and content are known here only as the Protocols in `ports`."""
