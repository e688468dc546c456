"""Who is to be paid how much, and how: payments from dues, releases by two people, what banks say, bank details."""
