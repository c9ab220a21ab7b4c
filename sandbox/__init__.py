"""The world outside, in small: stand-ins for Zendesk, Salesforce and a mail box. See README.md."""
