"""Setting up a Salesforce org."""
