"""The truth: tables, transactions, migrations. Nothing above is known here."""
