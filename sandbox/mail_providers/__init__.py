"""Stand-ins of mail providers, as far as they tell of returned mail: SES through SNS, and Mailgun."""
