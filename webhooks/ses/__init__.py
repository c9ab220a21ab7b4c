"""Amazon SES, which tells of returned mail through SNS."""
