"""Deploy aids and the local cloud; nothing in here is deployed."""
