"""How the house sees Amazon SES."""
