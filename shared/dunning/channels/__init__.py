"""The ways out: SES for mail, SNS for SMS and for our own teams. Every client makes one attempt a call."""
